-- Rows that are not there any more, each noted once. $1 source, $2 keys.
INSERT INTO convened.source_changes (source, key, was_key, gone)
SELECT $1, k, k, true FROM unnest($2::text[]) AS k
WHERE NOT EXISTS (SELECT FROM convened.source_changes c WHERE c.source = $1 AND c.key = k AND c.gone)
