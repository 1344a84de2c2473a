-- Notices that somebody has in mind, as claims are read, and nobody takes them. Of
-- what is planned only that which failed before: it waits for its next try.
-- $1 ids, or null for all, $2 event or '', $3 states, $4 cause or '', $5 after this
-- id, $6 how many. Leans on notices_event.
WITH chosen AS MATERIALIZED (
    SELECT t.id, t.registration, t.event, t.kind, t.occasion, t.state, t.instant, t.due_at, t.attempt, t.failures, t.doubts, t.message_id, t.last_error, t.reason
    FROM convened.notices t
    WHERE ($1::bigint[] IS NULL OR t.id = ANY ($1)) AND ($2::text = '' OR t.event = $2)
      AND t.state = ANY ($3::text[]) AND (t.state <> 'planned' OR t.failures > 0)
      AND ($4::text = '' OR t.cause = $4) AND t.id > $5
    ORDER BY t.id
    LIMIT $6
)
SELECT t.id, coalesce(t.registration, 0), t.event, t.kind, t.occasion, t.state, t.instant, t.due_at, t.attempt, t.failures, t.doubts,
       coalesce(t.message_id, ''), coalesce(t.last_error, ''), coalesce(t.reason, ''),
       coalesce(r.uid::text, ''), coalesce(r.email, ''), coalesce(r.name, ''), coalesce(r.language, ''), coalesce(r.zone, ''),
       coalesce(r.sequence, 0), r.sequenced_at, r.created_at, r.seated_at, r.cancelled_at, r.muted_at, r.declined_at, r.erased_at,
       e.revision, coalesce(told.revision, 0), coalesce(told.sequence, -1), coalesce(told.thread, '')
FROM chosen t
JOIN convened.events e ON e.slug = t.event
LEFT JOIN convened.registrations r ON r.id = t.registration
LEFT JOIN LATERAL (
    SELECT max(n.revision) AS revision, max(n.sequence) AS sequence,
           (array_agg(n.message_id ORDER BY n.id) FILTER (WHERE n.kind = 'confirmation' AND n.state = 'sent'))[1] AS thread
    FROM convened.notices n
    WHERE n.registration = t.registration AND n.kind IN ('confirmation', 'update', 'cancellation')
      AND n.marked_at IS NOT NULL AND n.state IN ('sent', 'unknown') AND n.id <> t.id
) told ON true
ORDER BY t.id
