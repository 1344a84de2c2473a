-- The personal data of rows that could not be taken goes with time, as that of
-- registrations does. $1 before when.
UPDATE convened.source_problems SET email = NULL, name = NULL
WHERE made_at < $1 AND (email IS NOT NULL OR name IS NOT NULL)
