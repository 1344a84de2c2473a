-- $1 source.
UPDATE convened.sources s SET let_go = true, vanished = 0
WHERE s.id = $1
RETURNING (SELECT count(*) FROM convened.source_changes c WHERE c.source = $1 AND c.gone)
