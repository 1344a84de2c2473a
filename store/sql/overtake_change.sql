UPDATE convened.changes SET planned_at = $3
WHERE event = $1 AND sequence = $2 AND planned_at IS NULL
