-- Whose letter a notice is, for what came back of it. $1 notice, $2 the
-- Message-ID that the returned copy bears, or NULL where the return path proved
-- that it was ours. Who was erased is nobody any more: what came back would
-- bring the address back.
SELECT n.id, coalesce(n.registration, 0), n.event, n.kind, coalesce(r.address, '')
FROM convened.notices n
LEFT JOIN convened.registrations r ON r.id = n.registration
WHERE n.id = $1 AND ($2::text IS NULL OR n.message_id = $2) AND r.erased_at IS NULL
