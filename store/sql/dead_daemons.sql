-- Daemons that hold claims and whose lock is free. Trying the lock shared, for
-- the length of this statement's transaction, does not disturb each other.
-- $1 this daemon, $2 the base of the lock keys. Leans on notices_leased.
SELECT d.id
FROM (SELECT DISTINCT claimed_by AS id FROM convened.notices WHERE state = 'claimed' AND marked_at IS NULL) d
WHERE d.id IS DISTINCT FROM $1 AND pg_try_advisory_xact_lock_shared($2 + d.id)
