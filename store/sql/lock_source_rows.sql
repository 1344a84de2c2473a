-- What is known of rows. $1 source, $2 keys. In the order of the keys, so that two
-- who hold several wait for each other in one direction.
SELECT key, state, coalesce(digest, '') FROM convened.source_rows
WHERE source = $1 AND key = ANY ($2::text[])
ORDER BY key
FOR NO KEY UPDATE
