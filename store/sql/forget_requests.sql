-- $1 before when.
DELETE FROM convened.requests WHERE made_at < $1
