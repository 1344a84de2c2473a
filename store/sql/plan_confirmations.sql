-- The first confirmation of each new seat. An address that can't be one is a
-- refused notice that the organiser sees; an event that is off or over needs
-- no confirmation, and the row says so.
-- $1 event, $2 seats, $3 what is wrong with their addresses, $4 now,
-- $5 why the event takes nobody any more, or ''.
INSERT INTO convened.notices (registration, event, kind, occasion, state, priority, instant, due_at, planned_at, settled_at, cause, last_error, reason)
SELECT i.seat, $1, 'confirmation', '1',
       CASE WHEN i.fault <> '' THEN 'refused' WHEN $5::text <> '' THEN 'cancelled' ELSE 'planned' END,
       0, $4, $4, $4,
       CASE WHEN i.fault <> '' OR $5::text <> '' THEN $4::timestamptz END,
       CASE WHEN i.fault <> '' THEN 'address' WHEN $5::text <> '' THEN 'useless' END,
       nullif(i.fault, ''),
       CASE WHEN i.fault = '' THEN nullif($5::text, '') END
FROM unnest($2::bigint[], $3::text[]) AS i (seat, fault)
ON CONFLICT DO NOTHING
