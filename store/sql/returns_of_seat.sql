-- What came back of one person's letters, in the order in which it came. $1 seat.
-- Leans on returns_of_registration.
SELECT coalesce(notice, 0), registration, at, kind, action, status, cause, text, said_at, effect
FROM convened.returns
WHERE registration = $1
ORDER BY id
