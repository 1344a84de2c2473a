-- What has become of the notices of events. $1 events. Reads notices_event and
-- nothing of the table, as far as it was vacuumed, and notices_leased for what is in hand.
SELECT n.event, n.kind, n.state, count(*)
FROM convened.notices n
WHERE n.event = ANY ($1::text[]) AND n.state <> 'claimed'
GROUP BY n.event, n.kind, n.state
UNION ALL
SELECT n.event, n.kind, n.state, count(*)
FROM convened.notices n
WHERE n.event = ANY ($1::text[]) AND n.state = 'claimed'
GROUP BY n.event, n.kind, n.state
