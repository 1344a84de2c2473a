-- A row that says something else than it did; that it was thought gone counts no
-- more. $1 source, $2 key, $3 event, $4 email, $5 name, $6 language, $7 zone, $8 cancelled.
WITH back AS (DELETE FROM convened.source_changes WHERE source = $1 AND key = $2 AND gone)
INSERT INTO convened.source_changes (source, key, was_key, gone, event, email, name, language, zone, cancelled)
VALUES ($1, $2, $2, false, $3, $4, $5, $6, $7, $8)
