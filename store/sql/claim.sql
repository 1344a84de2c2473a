-- Takes due notices in hand: one statement, so that no two hands take the same
-- one. Each priority is read from its own stretch of the index notices_due, so
-- that a backlog of reminders costs a confirmation nothing. Of what a form wrote
-- no more is read than a letter can use: somebody may send it a book for a name.
-- Nothing is taken in a quarantine, and nothing from a server that nobody has
-- looked at since it was started: see service.go.
-- What was locked is written where it lies, without another look in an index: until
-- this statement ends nobody moves it.
-- $1 now, $2 how many, $3 this daemon, $4 the lease in milliseconds.
-- If we crash after it, the lease ends and the notice goes back.
WITH due AS MATERIALIZED (
    SELECT d.place
    FROM (VALUES (0), (1), (2), (3)) AS p (priority)
    CROSS JOIN LATERAL (
        SELECT n.ctid AS place
        FROM convened.notices n
        WHERE n.filed = 'planned' AND n.priority = p.priority AND n.due_at <= $1
        ORDER BY n.due_at, n.id
        LIMIT $2
        FOR UPDATE SKIP LOCKED
    ) d
    WHERE NOT EXISTS (SELECT FROM convened.service v
                      WHERE v.quarantined_at IS NOT NULL OR v.server_started_at <> pg_postmaster_start_time())
    LIMIT $2
), taken AS (
    UPDATE convened.notices n
    SET state = 'claimed', attempt = n.attempt + 1, claimed_by = $3, marked_at = NULL, ahead = false,
        lease_until = now() + $4 * interval '1 millisecond'
    FROM due
    WHERE n.ctid = due.place
    RETURNING n.id, n.registration, n.event, n.kind, n.occasion, n.priority, n.instant, n.due_at, n.attempt, n.failures, n.doubts, n.message_id, n.last_error
)
SELECT t.id, coalesce(t.registration, 0), t.event, t.kind, t.occasion, 'claimed', t.instant, t.due_at, t.attempt, t.failures, t.doubts,
       coalesce(t.message_id, ''), coalesce(t.last_error, ''), '',
       coalesce(r.uid::text, ''), left(coalesce(r.email, ''), 1000), left(coalesce(r.name, ''), 1000), left(coalesce(r.language, ''), 100), left(coalesce(r.zone, ''), 100),
       coalesce(r.sequence, 0), r.sequenced_at, r.created_at, r.seated_at, r.cancelled_at, r.muted_at, r.declined_at, r.erased_at,
       e.revision, coalesce(told.revision, 0), coalesce(told.sequence, -1), coalesce(thread.message_id, '')
FROM taken t
JOIN convened.events e ON e.slug = t.event
LEFT JOIN convened.registrations r ON r.id = t.registration
-- What this person was told last counts for what is told of a change alone.
LEFT JOIN LATERAL (
    SELECT max(n.revision) AS revision, max(n.sequence) AS sequence
    FROM convened.notices n
    WHERE n.registration = t.registration AND n.kind IN ('confirmation', 'update', 'cancellation') AND t.kind IN ('update', 'cancellation')
      AND n.marked_at IS NOT NULL AND n.state || '' IN ('sent', 'unknown') AND n.id <> t.id
) told ON true
-- The letter that the others answer to: the first confirmation. To sort a single row for
-- each claim costs as much as to find it. Both conditions are said so that notices_once
-- alone fits them: of a table that it believes empty the server takes any index.
LEFT JOIN LATERAL (
    SELECT CASE count(*) WHEN 1 THEN min(n.message_id) ELSE (array_agg(n.message_id ORDER BY n.id))[1] END AS message_id
    FROM convened.notices n
    WHERE n.registration = t.registration AND n.kind BETWEEN 'confirmation' AND 'confirmation'
      AND n.marked_at IS NOT NULL AND n.state || '' = 'sent' AND n.id <> t.id
) thread ON true
ORDER BY t.priority, t.due_at, t.id
