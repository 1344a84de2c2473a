-- Changes that people are now to be told of. One that a later one overtakes
-- needs no letter of its own: several edits within the quiet time become one
-- mail, after the last of them. An urgent one does not wait for a later one
-- that is not due. Leans on changes_unplanned.
SELECT c.event, c.sequence, c.kind,
       EXISTS (SELECT FROM convened.changes l
               WHERE l.event = c.event AND l.sequence > c.sequence AND l.planned_at IS NULL
                 AND (NOT c.urgent OR l.due_at <= $1))
FROM convened.changes c
WHERE c.planned_at IS NULL AND c.due_at <= $1
ORDER BY c.due_at, c.event, c.sequence
LIMIT 100
