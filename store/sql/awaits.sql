-- What awaits newcomers of an event: how many confirmations were let through within
-- the last hour, and since all that the fuse had held was released, counted no further
-- than is asked for; and whether any of its reminders is sent to those who come too
-- late for it. Who plans holds the event's row, so that both stay true.
-- $1 event, $2 now, $3 how far to count; 0: nobody asks. Leans on notices_fuse.
SELECT (SELECT count(*)
        FROM (
            SELECT
            FROM convened.notices n
            WHERE n.event = $1 AND n.kind = 'confirmation' AND n.state <> 'held'
              AND NOT (n.state IN ('refused', 'cancelled') AND n.attempt = 0)
              AND n.planned_at > greatest($2::timestamptz - interval '1 hour', (SELECT fuse_from FROM convened.events WHERE slug = $1))
            LIMIT $3
        ) lately),
       EXISTS (SELECT FROM convened.reminders r WHERE r.event = $1 AND r.late = 'catch-up')
