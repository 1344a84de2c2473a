-- The event as it was: what somebody was told before.
SELECT e.slug, e.title, e.description, e.introduction, e.location, e.language, e.held_in, e.zone,
       to_char(e.starts_local, 'YYYY-MM-DD HH24:MI:SS'), to_char(e.ends_local, 'YYYY-MM-DD HH24:MI:SS'), e.starts_at, e.ends_at,
       e.join_url, e.page_url, e.organizer_name, e.organizer_email, e.colour, e.logo, e.sign_up, e.status,
       e.sequence, e.revision, e.sequenced_at, e.moved_at, e.created_at
FROM convened.revisions r, jsonb_populate_record(NULL::convened.events, r.snapshot) e
WHERE r.event = $1 AND r.revision = $2
