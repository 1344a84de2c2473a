-- There are few.
SELECT id, email, name, administrator, created_at, password FROM convened.users ORDER BY lower(email)
