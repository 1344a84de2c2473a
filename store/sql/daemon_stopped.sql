UPDATE convened.daemons SET stopped_at = now(), status = $2 WHERE id = $1
