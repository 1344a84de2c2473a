-- Holds an event's row until the transaction ends, so that seats are taken,
-- confirmations counted and occasions recorded one after the other. NO KEY
-- UPDATE lets sign-up forms go on inserting, which need the row's key alone.
SELECT status, seats, revision, ends_at, starts_at, created_at
FROM convened.events
WHERE slug = $1
FOR NO KEY UPDATE
