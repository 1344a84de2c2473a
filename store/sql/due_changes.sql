-- Changes that people are now to be told of. One that a later one of the same
-- event has overtaken needs no letter of its own. Leans on changes_unplanned.
SELECT c.event, c.sequence, c.kind,
       EXISTS (SELECT FROM convened.changes l WHERE l.event = c.event AND l.sequence > c.sequence AND l.planned_at IS NULL AND l.due_at <= $1)
FROM convened.changes c
WHERE c.planned_at IS NULL AND c.due_at <= $1
ORDER BY c.due_at, c.event, c.sequence
LIMIT 100
