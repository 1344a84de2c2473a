-- How much is in which state, and since when the oldest is due. Leans on the
-- partial indexes of the states that are not final; the final ones are counted
-- by count_notices.
SELECT state, count(*), min(due_at)
FROM convened.notices
WHERE state IN ('planned', 'claimed', 'unknown', 'held')
GROUP BY state
