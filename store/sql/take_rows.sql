-- Rows of an adopted table become registrations, and their entries say so, in one
-- statement: a row has both or none. What can't be taken is a problem. An entry
-- that says that the row was taken is left alone, and so is the row.
-- $1 source, $2 keys, $3 versions, $4 what went wrong with the mapping, $5 whether
-- cancelled, $6 digests, $7 events, $8 emails, $9 names, $10 languages, $11 zones,
-- $12 whether quietly. Leans on the key of source_rows.
WITH i AS (
    SELECT i.key, i.version, i.fault, i.cancelled, i.digest, i.event, i.email, i.name, i.language, i.zone,
           CASE WHEN i.fault <> '' THEN 'mapping'
                WHEN i.cancelled THEN 'out'
                WHEN coalesce(i.email, '') = '' THEN 'address'
                WHEN e.slug IS NULL THEN 'event'
                ELSE 'taken' END AS what
    FROM unnest($2::text[], $3::text[], $4::text[], $5::boolean[], $6::bytea[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
      AS i (key, version, fault, cancelled, digest, event, email, name, language, zone)
    LEFT JOIN convened.events e ON e.slug = i.event
    WHERE NOT EXISTS (SELECT FROM convened.source_rows w WHERE w.source = $1 AND w.key = i.key AND w.state = 'taken')
), made AS (
    INSERT INTO convened.registrations (event, email, name, language, zone, source_ref, quiet)
    SELECT event, email, name, nullif(language, ''), nullif(zone, ''), key, $12 FROM i WHERE what = 'taken'
    RETURNING id, source_ref
), numbered AS (
    SELECT i.*, m.id AS registration
    FROM i LEFT JOIN made m ON i.what = 'taken' AND m.source_ref = i.key
), noted AS (
    INSERT INTO convened.source_rows AS w (source, key, state, registration, digest, version)
    SELECT $1, key, CASE WHEN what IN ('taken', 'out') THEN what ELSE 'problem' END, registration, digest, version FROM numbered
    ON CONFLICT (source, key) DO UPDATE
    SET state = excluded.state, registration = coalesce(excluded.registration, w.registration), digest = excluded.digest, version = excluded.version
), solved AS (
    DELETE FROM convened.source_problems p USING i WHERE p.source = $1 AND p.key = i.key
), wrong AS (
    INSERT INTO convened.source_problems (source, key, what, detail, event, email, name, language, zone)
    SELECT $1, key, what,
           CASE what WHEN 'mapping' THEN fault WHEN 'address' THEN 'it has no address'
                ELSE coalesce('there is no event ' || quote_literal(left(nullif(event, ''), 100)), 'it names no event') END,
           left(event, 300), left(email, 300), left(name, 300), language, zone
    FROM i WHERE what IN ('mapping', 'address', 'event')
)
SELECT count(*) FILTER (WHERE what = 'taken'), count(*) FILTER (WHERE what = 'out'), count(*) FILTER (WHERE what NOT IN ('taken', 'out')) FROM i
