-- Those that open nothing any more. $1 since when one must have been seen, $2 since
-- when it must have been made.
DELETE FROM convened.sessions WHERE seen_at <= $1 OR created_at <= $2
