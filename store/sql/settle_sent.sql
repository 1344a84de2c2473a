-- Writes down which letters the server has taken. That is evidence, and is taken from
-- any attempt. In a burst nearly all outcomes are of this kind, so it reads and writes
-- no more than it needs; the others are for settle.sql. Returns which were not known to
-- be sent, null for all.
-- $1 ids, $2 an instant, $3 when after it in microseconds, $4 codes, $5 enhanced codes.
WITH settled AS (
    UPDATE convened.notices n
    SET state = 'sent',
        lease_until = NULL,
        sent_at = $2::timestamptz + i.after * interval '1 microsecond',
        settled_at = $2::timestamptz + i.after * interval '1 microsecond',
        last_code = nullif(i.code, 0),
        last_enhanced = nullif(i.enhanced, ''),
        last_error = NULL,
        cause = NULL,
        reason = NULL
    FROM unnest($1::bigint[], $3::bigint[], $4::int[], $5::text[]) AS i (id, after, code, enhanced)
    WHERE n.id = i.id AND n.state <> 'sent'
    RETURNING n.id
)
SELECT CASE WHEN count(*) < cardinality($1) THEN (SELECT coalesce(array_agg(id), '{}') FROM settled) END
FROM settled
