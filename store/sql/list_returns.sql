-- What came back, the latest first. $1 event or '', $2 kind or '', $3 how many, $4 before this id (0: from the start)
SELECT t.id, coalesce(t.notice, 0), coalesce(t.registration, 0), t.at, t.kind, t.action, t.status, t.cause, t.text, t.said_at, t.effect,
       coalesce(n.event, r.event), coalesce(n.kind, ''), coalesce(r.email, '')
FROM convened.returns t
LEFT JOIN convened.notices n ON n.id = t.notice
LEFT JOIN convened.registrations r ON r.id = t.registration
WHERE ($1::text = '' OR coalesce(n.event, r.event) = $1) AND ($2::text = '' OR t.kind = $2) AND ($4::bigint = 0 OR t.id < $4)
ORDER BY t.id DESC
LIMIT $3
