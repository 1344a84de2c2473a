-- Records an occasion for the seats that there are now. From here on whoever
-- takes a seat is late for it. The event's row is held.
-- $1 event, $2 reminder, $3 start, $4 ordinal, $5 instant, $6 now, $7 why
-- nobody who is registered gets it, or ''.
INSERT INTO convened.reminder_occasions (event, name, starts_at, ordinal, instant, recorded_at, upto_seat, planned_at, passed)
SELECT e.slug, $2, $3, $4, $5, $6, e.seats, CASE WHEN $7::text <> '' OR e.seats = 0 THEN $6::timestamptz END, $7
FROM convened.events e
WHERE e.slug = $1
ON CONFLICT DO NOTHING
