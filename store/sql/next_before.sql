-- The next rows that were there before, held. $1 source, $2 the last key, $3 how
-- many. Leans on source_rows_before.
SELECT key FROM convened.source_rows
WHERE source = $1 AND state = 'before' AND key > $2
ORDER BY key
LIMIT $3
FOR NO KEY UPDATE
