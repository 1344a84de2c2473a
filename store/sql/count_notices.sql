-- What has become of the notices of events. $1 events. Reads notices_event and
-- nothing of the table, as far as it was vacuumed, and notices_leased and steps_ahead
-- for what is in hand: of that, what was claimed from the start is filed as sent.
SELECT n.event, n.kind, n.state, sum(n.count) AS count
FROM (
    SELECT event, kind, filed AS state, count(*)
    FROM convened.notices
    WHERE event = ANY ($1::text[]) AND filed <> 'claimed'
    GROUP BY event, kind, filed
    UNION ALL
    SELECT h.event, h.kind, s.state, sum(s.one)
    FROM convened.in_hand h
    CROSS JOIN LATERAL (VALUES ('claimed', 1), ('sent', -h.ahead::int)) AS s (state, one)
    WHERE h.event = ANY ($1::text[])
    GROUP BY h.event, h.kind, s.state
) n
GROUP BY n.event, n.kind, n.state
HAVING sum(n.count) <> 0
