-- The next to start first, then those that are over, the latest first. What there
-- is of each is counted by others. $1 now.
SELECT e.slug, e.title, e.description, e.introduction, e.location, e.language, e.held_in, e.zone,
       to_char(e.starts_local, 'YYYY-MM-DD HH24:MI:SS'), to_char(e.ends_local, 'YYYY-MM-DD HH24:MI:SS'), e.starts_at, e.ends_at,
       e.join_url, e.page_url, e.organizer_name, e.organizer_email, e.colour, e.logo, e.sign_up, e.status,
       e.sequence, e.revision, e.sequenced_at, e.moved_at, e.created_at,
       e.updated_at
FROM convened.events e
ORDER BY e.ends_at < $1, CASE WHEN e.ends_at < $1 THEN NULL ELSE e.starts_at END, e.starts_at DESC
