-- Roles and sessions go with the row; what the user did stays on the trail. $1 user.
DELETE FROM convened.users WHERE id = $1
