SELECT slug, title, description, introduction, location, language, held_in, zone,
       to_char(starts_local, 'YYYY-MM-DD HH24:MI:SS'), to_char(ends_local, 'YYYY-MM-DD HH24:MI:SS'), starts_at, ends_at,
       join_url, page_url, organizer_name, organizer_email, colour, logo, sign_up, status,
       sequence, revision, sequenced_at, moved_at, created_at
FROM convened.events
WHERE slug = $1
