-- What is still to be sent of what was planned, by kind and occasion (see count_mails),
-- the sooner first. It shrinks as a burst goes on. $1 event. Leans on notices_event
-- and, for what is in hand, on notices_leased and steps_ahead.
SELECT n.kind, CASE WHEN n.kind IN ('reminder', 'followup') THEN n.occasion ELSE coalesce(c.sequence::text, '') END AS occasion, count(*), min(n.due_at) AS due
FROM (
    SELECT event, kind, occasion, instant, due_at FROM convened.notices WHERE event = $1 AND filed = 'planned'
    UNION ALL
    SELECT event, kind, occasion, instant, due_at FROM convened.in_hand
) n
LEFT JOIN convened.changes c ON c.event = n.event AND c.kind = n.kind AND c.due_at = n.instant
WHERE n.event = $1 AND n.kind IN ('confirmation', 'reminder', 'update', 'cancellation', 'followup')
GROUP BY 1, 2
ORDER BY due
