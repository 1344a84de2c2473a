-- A registration as a form writes it; nothing where there is no such event.
-- $1 event, $2 email, $3 name, $4 language, $5 zone, $6 the sender's own key.
INSERT INTO convened.registrations (event, email, name, language, zone, source_ref)
SELECT e.slug, $2, $3, nullif($4, ''), nullif($5, ''), nullif($6, '')
FROM convened.events e
WHERE e.slug = $1
