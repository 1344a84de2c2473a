-- $1 user, $2 event.
DELETE FROM convened.user_roles WHERE user_id = $1 AND event = $2
