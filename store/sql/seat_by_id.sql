-- One seat and the revision of its event, for the pages that a signed link leads
-- to. A seat that was erased is not there. $1 seat. Leans on both primary keys.
SELECT r.id, r.uid::text, r.event, coalesce(r.email, ''), coalesce(r.name, ''), coalesce(r.language, ''), coalesce(r.zone, ''),
       r.sequence, r.created_at, r.sequenced_at, r.planned_at, r.seated_at, r.cancelled_at, r.muted_at, r.declined_at, r.erased_at,
       e.revision
FROM convened.registrations r JOIN convened.events e ON e.slug = r.event
WHERE r.id = $1 AND r.seat = r.id AND r.erased_at IS NULL
