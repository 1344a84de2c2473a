-- One step of planning an occasion: the notices of the next seats, by number,
-- and how far it has come, in one statement. A crash between two steps leaves
-- the rest to the next daemon, and planning a step twice changes nothing.
-- $1 event, $2 reminder, $3 start, $4 ordinal, $5 occasion, $6 kind, $7 priority,
-- $8 now, $9 seats a step, $10 those who took their seat after this are left
-- out, because their confirmation says it, $11 why it is too late, or '', $12
-- whether a confirmation sent again or an update for an instant after $10 says
-- it too: nobody gets two mails where one can say both.
-- With $13, the daemon that sends them at once, they are its claims from the start, for
-- $14 milliseconds, and are returned as it needs them; unless nothing may be claimed:
-- see claim.sql. $13 null plans them for whoever claims them.
-- Reaches in package scheduler foretells this WHERE.
-- Leans on registrations_seat_no, notices_held and notices_once.
WITH o AS (
    SELECT instant, done_seat, least(upto_seat, done_seat + $9) AS upto
    FROM convened.reminder_occasions
    WHERE event = $1 AND name = $2 AND starts_at = $3 AND ordinal = $4 AND planned_at IS NULL
      AND ($13::bigint IS NULL OR NOT EXISTS (SELECT FROM convened.service v
                                              WHERE v.quarantined_at IS NOT NULL OR v.server_started_at <> pg_postmaster_start_time()))
    FOR NO KEY UPDATE
), made AS (
    INSERT INTO convened.notices (registration, event, kind, occasion, state, attempt, claimed_by, lease_until, priority, instant, due_at, planned_at, settled_at, cause, reason)
    SELECT r.id, $1, $6, $5,
           CASE WHEN $11::text <> '' THEN 'cancelled' WHEN $13::bigint IS NULL THEN 'planned' ELSE 'claimed' END,
           CASE WHEN $13::bigint IS NULL THEN 0 ELSE 1 END, $13::bigint, CASE WHEN $13::bigint IS NOT NULL THEN now() + $14 * interval '1 millisecond' END, $7,
           o.instant, o.instant, $8,
           CASE WHEN $11::text <> '' THEN $8::timestamptz END,
           CASE WHEN $11::text <> '' THEN 'useless' END,
           nullif($11::text, '')
    FROM o JOIN convened.registrations r ON r.event = $1 AND r.seat_no > o.done_seat AND r.seat_no <= o.upto
    WHERE r.cancelled_at IS NULL AND r.muted_at IS NULL AND r.refused_at IS NULL AND r.erased_at IS NULL
      AND r.seated_at <= $10
      -- Where nothing of the event is held nobody is looked up, and where much is, each by
      -- notices_once: a join would compare everybody with all that is held.
      AND NOT (EXISTS (SELECT FROM convened.notices a WHERE a.event = $1 AND a.state = 'held')
               AND (SELECT count(*) > 0 FROM convened.notices h
                    WHERE h.registration = r.id AND h.kind = 'confirmation' AND h.state = 'held' AND h.marked_at IS NULL AND h.instant <= r.seated_at))
      AND NOT ($12::boolean AND EXISTS (
          SELECT FROM convened.notices n
          WHERE n.registration = r.id AND n.kind IN ('confirmation', 'update')
            AND n.state NOT IN ('cancelled', 'refused') AND n.instant > $10))
    ON CONFLICT (registration, kind, occasion) WHERE registration IS NOT NULL DO NOTHING
    RETURNING id, registration
), stepped AS (
    UPDATE convened.reminder_occasions u
    SET done_seat = o.upto,
        notices = u.notices + (SELECT count(*) FROM made),
        planned_at = CASE WHEN o.upto >= u.upto_seat THEN $8::timestamptz END
    FROM o
    WHERE u.event = $1 AND u.name = $2 AND u.starts_at = $3 AND u.ordinal = $4
    RETURNING (SELECT count(*) FROM made) AS notices, u.planned_at IS NOT NULL AS done
)
SELECT s.notices, s.done, coalesce(m.id, 0), coalesce(m.registration, 0), coalesce(r.uid::text, ''),
       left(coalesce(r.email, ''), 1000), left(coalesce(r.name, ''), 1000), left(coalesce(r.language, ''), 100), left(coalesce(r.zone, ''), 100),
       coalesce(r.sequence, 0), r.sequenced_at, r.created_at, r.seated_at, r.declined_at, coalesce(thread.message_id, '')
FROM stepped s
LEFT JOIN made m ON $13::bigint IS NOT NULL
-- Looked up one by one: a merge would read everybody who ever registered before.
LEFT JOIN LATERAL (SELECT r.* FROM convened.registrations r WHERE r.id = m.registration OFFSET 0) r ON true
-- The letter that the others answer to: see claim.sql.
LEFT JOIN LATERAL (
    SELECT CASE count(*) WHEN 1 THEN min(n.message_id) ELSE (array_agg(n.message_id ORDER BY n.id))[1] END AS message_id
    FROM convened.notices n
    WHERE n.registration = m.registration AND n.kind BETWEEN 'confirmation' AND 'confirmation'
      AND n.marked_at IS NOT NULL AND n.state || '' = 'sent'
) thread ON true
ORDER BY m.id
