-- Which occasions of an event are recorded, and whether each is wholly planned.
SELECT name, starts_at, ordinal, instant, planned_at IS NOT NULL, notices, passed, recorded_at, done_seat, upto_seat
FROM convened.reminder_occasions
WHERE event = $1
ORDER BY instant, name, ordinal
