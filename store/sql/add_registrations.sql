-- As a sign-up form would, many at a time.
INSERT INTO convened.registrations (event, email, name, language, zone, source_ref, created_at)
SELECT i.event, i.email, i.name, nullif(i.language, ''), nullif(i.zone, ''), nullif(i.source_ref, ''), coalesce(i.created_at, now())
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
  AS i (event, email, name, language, zone, source_ref, created_at)
RETURNING id
