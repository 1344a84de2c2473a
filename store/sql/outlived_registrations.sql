-- Registrations whose event ended before $1 and whose personal data is still
-- there. $2 how many at a time.
SELECT r.id
FROM convened.registrations r JOIN convened.events e ON e.slug = r.event
WHERE e.ends_at < $1 AND r.erased_at IS NULL
ORDER BY r.id
LIMIT $2
FOR NO KEY UPDATE OF r SKIP LOCKED
