UPDATE convened.service SET quarantined_at = NULL, reason = NULL, released_at = now()
