-- Edits of an event that people are not wholly told of.
SELECT sequence, kind, urgent, due_at, recorded_at IS NOT NULL, done_seat, coalesce(upto_seat, 0)
FROM convened.changes
WHERE event = $1 AND planned_at IS NULL
ORDER BY due_at, sequence
