-- $1 source, $2 key, $3 what, $4 in words, $5 event, $6 email, $7 name, $8 language, $9 zone.
INSERT INTO convened.source_problems (source, key, what, detail, event, email, name, language, zone)
VALUES ($1, $2, $3, $4, left($5::text, 300), left($6::text, 300), left($7::text, 300), $8, $9)
