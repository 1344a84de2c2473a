-- Rows that are there: none of them is gone. $1 source, $2 keys, $3 the versions of
-- them that were looked at.
WITH back AS (DELETE FROM convened.source_changes WHERE source = $1 AND key = ANY ($2::text[]) AND gone)
UPDATE convened.source_rows w SET version = i.version
FROM unnest($2::text[], $3::text[]) AS i (key, version)
WHERE w.source = $1 AND w.key = i.key
