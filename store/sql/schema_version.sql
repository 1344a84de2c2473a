SELECT coalesce(max(version_id), 0) FROM convened.migrations WHERE is_applied
