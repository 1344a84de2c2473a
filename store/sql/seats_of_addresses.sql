-- Which seats addresses have. $1 event, $2 addresses. Leans on registrations_seat.
SELECT address, id
FROM convened.registrations
WHERE event = $1 AND address = ANY ($2::text[]) AND seat = id
