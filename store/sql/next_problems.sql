-- The next rows that are problems, held. $1 source, $2 the last key, $3 how many.
SELECT key FROM convened.source_rows
WHERE source = $1 AND state = 'problem' AND key > $2
ORDER BY key
LIMIT $3
FOR NO KEY UPDATE
