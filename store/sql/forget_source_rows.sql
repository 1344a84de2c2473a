-- Rows that are not there any more and were never taken. $1 source, $2 keys.
WITH solved AS (DELETE FROM convened.source_problems WHERE source = $1 AND key = ANY ($2::text[]))
DELETE FROM convened.source_rows WHERE source = $1 AND key = ANY ($2::text[]) AND state = 'problem'
