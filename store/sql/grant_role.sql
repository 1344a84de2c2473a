-- $1 user, $2 event, $3 role.
INSERT INTO convened.user_roles (user_id, event, role) VALUES ($1, $2, $3)
ON CONFLICT (user_id, event) DO UPDATE SET role = excluded.role WHERE user_roles.role <> excluded.role
