-- Whose seat an invitation is for. $1 its UID. Leans on registrations_uid.
SELECT id, event, coalesce(address, '')
FROM convened.registrations
WHERE uid = $1::uuid AND seat = id AND erased_at IS NULL
