-- By users_email. $1 email.
SELECT id, email, name, administrator, created_at, password FROM convened.users WHERE lower(email) = lower($1)
