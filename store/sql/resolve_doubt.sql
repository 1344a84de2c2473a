-- What is in doubt and has waited its time goes out again, a bounded number of
-- times: better one letter twice than a person without any. Past the bound it
-- is held for somebody to look at. $1 now, $2 kinds, $3 how many further tries
-- each may have. Leans on notices_doubtful.
WITH doubtful AS (
    SELECT n.id, n.doubts <= coalesce(b.tries, 0) AS again
    FROM convened.notices n
    LEFT JOIN unnest($2::text[], $3::int[]) AS b (kind, tries) ON b.kind = n.kind
    WHERE n.filed = 'unknown' AND n.due_at <= $1
    ORDER BY n.due_at
    LIMIT 1000
    FOR UPDATE OF n SKIP LOCKED
)
UPDATE convened.notices n
SET state = CASE WHEN d.again THEN 'planned' ELSE 'held' END,
    due_at = $1,
    reason = CASE WHEN d.again THEN n.reason ELSE 'nobody knows whether it arrived' END
FROM doubtful d
WHERE n.id = d.id
RETURNING (NOT d.again)
