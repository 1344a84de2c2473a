-- For whom the next step of an occasion would plan, with all that their letters need and
-- a number for each notice, so that the letters can be ready before there are rows.
-- Whoever plan_occasion.sql leaves out for reasons that are dearer to find out is among
-- them: that has the last word.
-- $1 event, $2 reminder, $3 start, $4 ordinal, $5 seats up to which somebody else has
-- looked, null where the occasion stands, $6 how many, $7 those who took their seat after
-- this are left out. The first row says which seats they are; nothing comes where all is
-- planned, or nothing may be claimed.
-- Leans on registrations_seat_no and notices_once.
WITH o AS (
    SELECT coalesce($5::int, done_seat) AS past, least(upto_seat, coalesce($5::int, done_seat) + $6) AS upto, upto_seat
    FROM convened.reminder_occasions
    WHERE event = $1 AND name = $2 AND starts_at = $3 AND ordinal = $4 AND planned_at IS NULL
      AND NOT EXISTS (SELECT FROM convened.service v WHERE v.quarantined_at IS NOT NULL OR v.server_started_at <> pg_postmaster_start_time())
)
SELECT o.past, o.upto, o.upto >= o.upto_seat, coalesce(r.seat_no, 0), CASE WHEN r.id IS NULL THEN 0 ELSE nextval('convened.notices_id_seq') END,
       coalesce(r.id, 0), coalesce(r.uid::text, ''), left(coalesce(r.email, ''), 1000), left(coalesce(r.name, ''), 1000), left(coalesce(r.language, ''), 100), left(coalesce(r.zone, ''), 100),
       coalesce(r.sequence, 0), r.sequenced_at, r.created_at, r.seated_at, r.declined_at, coalesce(thread.message_id, '')
FROM o
LEFT JOIN LATERAL (
    SELECT r.*
    FROM convened.registrations r
    WHERE r.event = $1 AND r.seat_no > o.past AND r.seat_no <= o.upto
      AND r.cancelled_at IS NULL AND r.muted_at IS NULL AND r.refused_at IS NULL AND r.erased_at IS NULL AND r.seated_at <= $7
    ORDER BY r.seat_no
    OFFSET 0
) r ON true
-- The letter that the others answer to: see claim.sql.
LEFT JOIN LATERAL (
    SELECT CASE count(*) WHEN 1 THEN min(n.message_id) ELSE (array_agg(n.message_id ORDER BY n.id))[1] END AS message_id
    FROM convened.notices n
    WHERE n.registration = r.id AND n.kind BETWEEN 'confirmation' AND 'confirmation'
      AND n.marked_at IS NOT NULL AND n.state || '' = 'sent'
) thread ON true
