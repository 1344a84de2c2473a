-- What is in doubt and has waited its time goes out again, a bounded number of
-- times: better one letter twice than a person without any. Past the bound it
-- is held for somebody to look at. $1 now, $2 further tries for reminders and
-- follow-ups, $3 for all others. Leans on notices_doubtful.
UPDATE convened.notices n
SET state = CASE WHEN n.doubts <= CASE WHEN n.kind IN ('reminder', 'followup') THEN $2::int ELSE $3::int END
                 THEN 'planned' ELSE 'held' END,
    due_at = $1,
    reason = CASE WHEN n.doubts <= CASE WHEN n.kind IN ('reminder', 'followup') THEN $2::int ELSE $3::int END
                  THEN n.reason ELSE 'nobody knows whether it arrived' END
WHERE n.id IN (
    SELECT id FROM convened.notices
    WHERE state = 'unknown' AND due_at <= $1
    ORDER BY due_at
    LIMIT 1000
    FOR UPDATE SKIP LOCKED)
RETURNING (n.state = 'held')
