-- By sessions_of_user. $1 user.
DELETE FROM convened.sessions WHERE user_id = $1
