-- The trail names people by number alone; what a detail might say goes all the same
-- (trail_of_registration). $1 ids of registrations.
UPDATE convened.trail SET detail = '' WHERE registration = ANY ($1::bigint[]) AND detail <> ''
