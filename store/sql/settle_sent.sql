-- Writes down which letters the server has taken. That is evidence, and is taken from
-- any attempt. In a burst nearly all outcomes are of this kind, so it reads and writes
-- no more than it needs; the others are for settle.sql. Returns which were not known to
-- be sent, null for all.
-- A failover may lose a notice whose letter has left, and give its number to another: so it
-- is to be whose it was.
-- $1 ids, $2 an instant, $3 when after it in microseconds, $4 codes, $5 enhanced codes, $6
-- registrations, 0 where nobody knows: of these three one is for all.
WITH settled AS (
    UPDATE convened.notices n
    SET state = 'sent',
        lease_until = NULL,
        sent_at = i.at,
        settled_at = i.at,
        last_code = nullif(i.code, 0),
        last_enhanced = nullif(i.enhanced, ''),
        last_error = NULL,
        cause = NULL,
        reason = NULL
    FROM (
        -- Fenced, so that the instant is made once.
        SELECT u.id, $2::timestamptz + u.after * interval '1 microsecond' AS at,
               coalesce(u.code, ($4::int[])[1]) AS code, coalesce(u.enhanced, ($5::text[])[1]) AS enhanced,
               coalesce(u.registration, ($6::bigint[])[1]) AS registration
        FROM unnest($1::bigint[], $3::bigint[], $4::int[], $5::text[], $6::bigint[]) AS u (id, after, code, enhanced, registration)
        OFFSET 0
    ) i
    WHERE n.id = i.id AND n.state <> 'sent' AND (i.registration = 0 OR n.registration = i.registration)
    RETURNING n.id
)
SELECT CASE WHEN count(*) < cardinality($1) THEN (SELECT coalesce(array_agg(id), '{}') FROM settled) END
FROM settled
