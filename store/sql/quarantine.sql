-- Nothing is sent until somebody says so. $1 why.
UPDATE convened.service SET quarantined_at = now(), reason = $1 WHERE quarantined_at IS NULL
