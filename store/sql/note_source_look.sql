-- $1 source, $2 now, $3 seconds that it took, $4 what went wrong, or ''.
UPDATE convened.sources SET looked_at = $2, look_took = $3, trouble = $4 WHERE id = $1
