-- The confirmation again, for who registered again: never while one is still on
-- its way, nor while an update is that brings the invitation too, and at most
-- once in ten minutes unless the seat had been given up. It counts for the fuse
-- like a first one.
-- $1 event, $2 seats, $3 whether each was revived, $4 now, $5 the earliest
-- planning time of a confirmation that still stands in for another, $6 whether
-- each was copied from elsewhere, $7 how many the fuse lets through, $8 and $9 the
-- words for what is held for being copied, and by the fuse.
INSERT INTO convened.notices (registration, event, kind, occasion, state, priority, instant, due_at, planned_at, cause, reason)
SELECT judged.seat, $1, 'confirmation', judged.occasion,
       CASE WHEN judged.cause = '' THEN 'planned' ELSE 'held' END, 0, $4, $4, $4, nullif(judged.cause, ''),
       CASE judged.cause WHEN 'backfill' THEN $8::text WHEN 'fuse' THEN $9::text END
FROM (
    SELECT i.seat, (last.count + 1)::text AS occasion,
           CASE WHEN i.copied THEN 'backfill'
                WHEN row_number() OVER (PARTITION BY i.copied ORDER BY i.seat) > $7::int THEN 'fuse'
                ELSE '' END AS cause
    FROM unnest($2::bigint[], $3::boolean[], $6::boolean[]) AS i (seat, revived, copied)
    CROSS JOIN LATERAL (
        SELECT max(n.occasion::int) AS count,
               max(n.planned_at) FILTER (WHERE n.state <> 'cancelled') AS planned_at,
               bool_or(n.state IN ('planned', 'claimed', 'unknown', 'held')) AS pending
        FROM convened.notices n
        WHERE n.registration = i.seat AND n.kind = 'confirmation'
    ) last
    WHERE NOT last.pending AND (i.revived OR last.planned_at IS NULL OR last.planned_at <= $5)
      AND (i.revived OR NOT EXISTS (
          SELECT FROM convened.notices u
          WHERE u.registration = i.seat AND u.kind = 'update' AND u.state IN ('planned', 'claimed') AND u.marked_at IS NULL))
) judged
ON CONFLICT DO NOTHING
RETURNING coalesce(cause, '')
