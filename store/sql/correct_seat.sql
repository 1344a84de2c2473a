-- A mistyped address is mended: the person gets a registration of their own, with
-- another number, UID and link, because the old letters went to somebody else, who
-- holds the old ones. The old seat is given up, and says who has it now. The event's
-- row is held. $1 event, $2 seat, $3 the new address, $4 now, $5 who mended it.
-- If we crash after it, the next tick plans the new registration as any other.
WITH fresh AS (
    INSERT INTO convened.registrations (event, email, name, language, zone, source_ref, created_at)
    SELECT r.event, $3::text, r.name, r.language, r.zone, r.source_ref, $4
    FROM convened.registrations r
    WHERE r.event = $1 AND r.id = $2 AND r.seat = r.id AND r.cancelled_at IS NULL AND r.erased_at IS NULL
    RETURNING id
)
UPDATE convened.registrations r
SET cancelled_at = $4, sequence = r.sequence + 1, sequenced_at = $4, corrected_to = fresh.id, corrected_by = $5
FROM fresh
WHERE r.id = $2
RETURNING fresh.id
