-- One step of planning an occasion: the notices of the next seats, by number,
-- and how far it has come, in one statement. A crash between two steps leaves
-- the rest to the next daemon, and planning a step twice changes nothing.
-- $1 event, $2 reminder, $3 start, $4 ordinal, $5 occasion, $6 kind, $7 priority,
-- $8 now, $9 seats a step, $10 those who took their seat after this are left
-- out, because their confirmation says it, $11 why it is too late, or '', $12
-- whether a confirmation sent again or an update for an instant after $10 says
-- it too: nobody gets two mails where one can say both.
-- Of some people the letters may be ready, by next_seats.sql: from $13 on, a seat, $14 and
-- those after it are, seat by seat, their numbers, registrations and SEQUENCE, and the
-- Message-ID; null where none is. Theirs are claims of the daemon $18 from the start, for
-- $19 milliseconds, marked with revision $20 and SEQUENCE $21 of the event. What keeps
-- mark.sql from marking keeps these from being ready; if that are not all $23 of them, the
-- ids of those that are are returned, and null otherwise. Nothing is
-- done where the occasion has moved on, where nothing may be claimed, or where a crash of
-- the server took back that numbers up to $22 were given out. $13 null: none is ready.
-- Reaches in package scheduler foretells this WHERE.
-- Leans on registrations_seat_no, notices_held and notices_once.
WITH o AS (
    SELECT instant, done_seat, least(upto_seat, done_seat + $9) AS upto, now() + $19 * interval '1 millisecond' AS lease_until
    FROM convened.reminder_occasions
    WHERE event = $1 AND name = $2 AND starts_at = $3 AND ordinal = $4 AND planned_at IS NULL
      AND ($13::int IS NULL
           OR done_seat = $13
              AND NOT EXISTS (SELECT FROM convened.service v WHERE v.quarantined_at IS NOT NULL OR v.server_started_at <> pg_postmaster_start_time())
              AND (SELECT last_value FROM convened.notices_id_seq) >= $22::bigint)
    FOR NO KEY UPDATE
), made AS (
    INSERT INTO convened.notices (id, registration, event, kind, occasion, state, ahead, attempt, claimed_by, lease_until, marked_at, revision, sequence, message_id,
                                  priority, instant, due_at, planned_at, settled_at, cause, reason)
    OVERRIDING SYSTEM VALUE
    SELECT CASE WHEN l.ready THEN ($14::bigint[])[l.i] ELSE nextval('convened.notices_id_seq') END, r.id, $1, $6, $5,
           CASE WHEN $11::text <> '' THEN 'cancelled' WHEN l.ready THEN 'claimed' ELSE 'planned' END,
           l.ready,
           CASE WHEN l.ready THEN 1 ELSE 0 END,
           CASE WHEN l.ready THEN $18::bigint END,
           CASE WHEN l.ready THEN o.lease_until END,
           CASE WHEN l.ready THEN now() END,
           CASE WHEN l.ready THEN $20::int END,
           CASE WHEN l.ready THEN $21::int + r.sequence END,
           CASE WHEN l.ready THEN ($17::text[])[l.i] END,
           $7,
           o.instant, o.instant, $8,
           CASE WHEN $11::text <> '' THEN $8::timestamptz END,
           CASE WHEN $11::text <> '' THEN 'useless' END,
           nullif($11::text, '')
    FROM o JOIN convened.registrations r ON r.event = $1 AND r.seat_no > o.done_seat AND r.seat_no <= o.upto
    CROSS JOIN LATERAL (
        SELECT r.seat_no - o.done_seat AS i,
               coalesce(($15::bigint[])[r.seat_no - o.done_seat] = r.id AND ($16::int[])[r.seat_no - o.done_seat] = r.sequence, false) AS ready
    ) l
    WHERE r.cancelled_at IS NULL AND r.muted_at IS NULL AND r.refused_at IS NULL AND r.erased_at IS NULL
      AND r.seated_at <= $10
      -- Where nothing of the event is held nobody is looked up, and where much is, each by
      -- notices_once: a join would compare everybody with all that is held.
      AND NOT (EXISTS (SELECT FROM convened.notices a WHERE a.event = $1 AND a.filed = 'held')
               AND (SELECT count(*) > 0 FROM convened.notices h
                    WHERE h.registration = r.id AND h.kind = 'confirmation' AND h.state = 'held' AND h.marked_at IS NULL AND h.instant <= r.seated_at))
      AND NOT ($12::boolean AND EXISTS (
          SELECT FROM convened.notices n
          WHERE n.registration = r.id AND n.kind IN ('confirmation', 'update')
            AND n.state NOT IN ('cancelled', 'refused') AND n.instant > $10))
    ON CONFLICT (registration, kind, occasion) WHERE registration IS NOT NULL DO NOTHING
    RETURNING id, ahead AS ready
), ahead AS (
    INSERT INTO convened.steps_ahead (lowest, highest, daemon)
    SELECT min(id), max(id), $18::bigint FROM made WHERE ready HAVING count(*) > 0
), stepped AS (
    UPDATE convened.reminder_occasions u
    SET done_seat = o.upto,
        notices = u.notices + (SELECT count(*) FROM made),
        planned_at = CASE WHEN o.upto >= u.upto_seat THEN $8::timestamptz END
    FROM o
    WHERE u.event = $1 AND u.name = $2 AND u.starts_at = $3 AND u.ordinal = $4
    RETURNING (SELECT count(*) FROM made) AS notices, u.planned_at IS NOT NULL AS done
)
SELECT s.notices, s.done,
       CASE WHEN (SELECT count(*) FROM made WHERE ready) < $23::int THEN (SELECT coalesce(array_agg(id), '{}') FROM made WHERE ready) END
FROM stepped s
