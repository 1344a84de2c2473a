-- How much is in which state, and since when the oldest is due. One arm for each
-- state that is not final, so that each leans on the partial index of its own,
-- notices_due, notices_leased, notices_doubtful and notices_held: what was sent in
-- ten years is never looked at. The final states are counted by count_notices.
SELECT 'planned', count(*), min(due_at) FROM convened.notices WHERE filed = 'planned' HAVING count(*) > 0
UNION ALL
SELECT 'claimed', count(*), min(due_at) FROM convened.in_hand HAVING count(*) > 0
UNION ALL
SELECT 'unknown', count(*), min(due_at) FROM convened.notices WHERE filed = 'unknown' HAVING count(*) > 0
UNION ALL
SELECT 'held', count(*), min(due_at) FROM convened.notices WHERE filed = 'held' HAVING count(*) > 0
