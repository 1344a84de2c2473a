-- What is held, and why. $1 event or '', $2 whether a preflight counts: it is not
-- among what it tells of. Leans on notices_held.
SELECT event, coalesce(cause, ''), coalesce(reason, ''), count(*)
FROM convened.notices
WHERE filed = 'held' AND ($1::text = '' OR event = $1) AND ($2 OR kind <> 'preflight')
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
