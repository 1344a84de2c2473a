-- Letters that were on the wire in the hands of other daemons, and whose lease
-- is over, or will be before anybody judges it. What their daemons' journals say
-- of them is heard first. $1 this daemon. Leans on notices_leased
-- and steps_ahead.
SELECT id, attempt, claimed_by
FROM convened.in_hand
WHERE marked_at IS NOT NULL AND lease_until < now() + interval '2 seconds'
  AND claimed_by IS NOT NULL AND claimed_by IS DISTINCT FROM $1
ORDER BY lease_until
LIMIT 2000
