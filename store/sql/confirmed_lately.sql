-- How many confirmations of an event were let through within the last hour, and
-- since all that the fuse had held was released; counted no further than is asked
-- for. The event's row is held, so that the answer stays true.
-- $1 event, $2 now, $3 how far to count. Leans on notices_fuse.
SELECT count(*)
FROM (
    SELECT
    FROM convened.notices n
    WHERE n.event = $1 AND n.kind = 'confirmation' AND n.state <> 'held'
      AND NOT (n.state IN ('refused', 'cancelled') AND n.attempt = 0)
      AND n.planned_at > greatest($2::timestamptz - interval '1 hour', (SELECT fuse_from FROM convened.events WHERE slug = $1))
    LIMIT $3
) lately
