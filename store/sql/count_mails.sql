-- What has become of the mails of an event, by state and by what they were for: the
-- occasion of a reminder, the change of an update or a cancellation. What one person
-- alone was the cause of, a confirmation or a withdrawal, is counted by the day (UTC) on which it left.
-- $1 event. Leans on notices_event and, for what is in hand, on notices_leased.
SELECT n.kind, o.occasion, n.state, CASE WHEN o.occasion = '' THEN date_trunc('day', n.sent_at, 'UTC') END AS day,
       count(*), min(n.instant), min(n.sent_at), max(n.sent_at)
FROM convened.notices n
LEFT JOIN convened.changes c ON c.event = n.event AND c.kind = n.kind AND c.due_at = n.instant
CROSS JOIN LATERAL (SELECT CASE WHEN n.kind IN ('reminder', 'followup') THEN n.occasion ELSE coalesce(c.sequence::text, '') END AS occasion) o
WHERE n.event = $1 AND n.kind <> 'preflight' AND (n.filed <> 'claimed' OR n.filed = 'claimed')
GROUP BY 1, 2, 3, 4
