-- Leans on notices_event.
SELECT event, kind, state, count(*)
FROM convened.notices
GROUP BY event, kind, state
ORDER BY event, kind, state
