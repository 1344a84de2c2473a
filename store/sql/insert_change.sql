INSERT INTO convened.changes (event, sequence, kind, urgent, made_at, due_at)
VALUES ($1, $2, $3, $4, $5, $6)
