-- $1 user, or 0 for all.
SELECT user_id, event, role FROM convened.user_roles WHERE $1::bigint = 0 OR user_id = $1
