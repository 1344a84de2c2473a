-- The next to start first, then those that are over, the latest first.
SELECT e.slug, e.title, e.description, e.introduction, e.location, e.language, e.held_in, e.zone,
       to_char(e.starts_local, 'YYYY-MM-DD HH24:MI:SS'), to_char(e.ends_local, 'YYYY-MM-DD HH24:MI:SS'), e.starts_at, e.ends_at,
       e.join_url, e.page_url, e.organizer_name, e.organizer_email, e.colour, e.logo, e.sign_up, e.status,
       e.sequence, e.revision, e.sequenced_at, e.moved_at, e.created_at,
       r.registered, r.given_up, r.waiting, e.updated_at
FROM convened.events e
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE seat = id AND cancelled_at IS NULL) AS registered,
           count(*) FILTER (WHERE seat = id AND cancelled_at IS NOT NULL AND corrected_to IS NULL) AS given_up,
           count(*) FILTER (WHERE planned_at IS NULL) AS waiting
    FROM convened.registrations
    WHERE event = e.slug
) r
ORDER BY e.ends_at < $1, CASE WHEN e.ends_at < $1 THEN NULL ELSE e.starts_at END, e.starts_at DESC
