-- The seats that one person has at events that end after an instant, the seats that
-- were given up included, with the revision of the event and when anything of it was
-- last changed. Whose registration $1 is, says the address; one that was erased is
-- nobody's. $1 seat, $2 the instant, $3 how many. Leans on registrations_address.
SELECT r.id, r.uid::text, r.event, coalesce(r.email, ''), coalesce(r.name, ''), coalesce(r.language, ''), coalesce(r.zone, ''),
       r.sequence, r.created_at, r.sequenced_at, r.planned_at, r.seated_at, r.cancelled_at, r.muted_at, r.declined_at, r.erased_at,
       e.revision, greatest(e.updated_at, r.created_at, r.sequenced_at)
FROM convened.registrations me
JOIN convened.registrations r ON r.address = me.address AND r.seat = r.id AND r.erased_at IS NULL
JOIN convened.events e ON e.slug = r.event
WHERE me.id = $1 AND me.seat = me.id AND me.erased_at IS NULL AND e.ends_at > $2
ORDER BY e.starts_at, r.id
LIMIT $3
