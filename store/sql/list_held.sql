-- What is held, and why. Leans on notices_held.
SELECT event, coalesce(cause, ''), coalesce(reason, ''), count(*)
FROM convened.notices
WHERE state = 'held' AND ($1::text = '' OR event = $1)
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
