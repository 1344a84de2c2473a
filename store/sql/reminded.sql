-- Which reminders seats had. $1 seats. Leans on notices_once.
SELECT registration, occasion
FROM convened.notices
WHERE registration = ANY ($1::bigint[]) AND kind = 'reminder'
ORDER BY registration, id
