-- What does not arrive, of whoever has a seat, by what it has in common: notices
-- that were refused, are in doubt, or are tried again after a failure, where
-- nothing later of the same person arrived; and letters that were taken and came
-- back. With the first few of each.
-- $1 event, $2 how many of a sort are looked at, at most, $3 how many examples,
-- $4 whether the numbers of the notices are wanted.
-- Leans on notices_event, notices_retried, notices_held, notices_once,
-- registrations_apart and returns_of_registration.
WITH bad AS (
    (SELECT n.id, n.registration, n.kind, n.state, coalesce(n.cause, '') AS cause, coalesce(n.last_code, 0) AS code, coalesce(n.last_enhanced, '') AS enhanced,
            n.attempt = 0 AS untried, coalesce(n.last_error, n.reason, '') AS words, coalesce(n.settled_at, n.planned_at) AS at
     FROM convened.notices n
     WHERE n.event = $1 AND n.kind IN ('confirmation', 'reminder', 'update', 'cancellation', 'followup') AND n.filed IN ('refused', 'unknown')
     LIMIT $2)
    UNION ALL
    (SELECT n.id, n.registration, n.kind, n.state, coalesce(n.cause, ''), coalesce(n.last_code, 0), coalesce(n.last_enhanced, ''),
            false, coalesce(n.last_error, n.reason, ''), n.planned_at
     FROM convened.notices n
     WHERE n.event = $1 AND n.filed = 'planned' AND n.failures > 0 AND n.registration IS NOT NULL
     LIMIT $2)
    UNION ALL
    (SELECT n.id, n.registration, n.kind, n.state, 'doubt', coalesce(n.last_code, 0), coalesce(n.last_enhanced, ''),
            false, coalesce(n.last_error, n.reason, ''), n.planned_at
     FROM convened.notices n
     WHERE n.event = $1 AND n.filed = 'held' AND n.cause = 'doubt' AND n.registration IS NOT NULL
     LIMIT $2)
), failed AS (
    SELECT b.id AS notice, b.registration, r.email, false AS returned, b.state, b.cause, b.code, b.enhanced, b.untried, b.words, b.at
    FROM bad b JOIN convened.registrations r ON r.id = b.registration
    -- One look for each, in notices_once: there may be a hundred thousand that were
    -- sent, and before the first ANALYZE the planner would read all that came later.
    LEFT JOIN LATERAL (
        SELECT true AS arrived FROM convened.notices l
        WHERE l.registration = b.registration AND l.state = 'sent' AND l.id + 0 > b.id
        LIMIT 1
    ) later ON true
    WHERE r.cancelled_at IS NULL AND r.erased_at IS NULL AND later.arrived IS NULL
    UNION ALL
    SELECT NULL, r.id, r.email, true, 'sent', coalesce(t.cause, ''), 0, t.status, false, t.text, t.at
    FROM convened.registrations r
    CROSS JOIN LATERAL (
        SELECT t.cause, t.status, t.text, t.at
        FROM convened.returns t
        WHERE t.registration = r.id AND t.kind = 'hard'
        ORDER BY t.id DESC
        LIMIT 1
    ) t
    WHERE r.event = $1 AND r.seat + 0 = r.id AND r.refused_at IS NOT NULL AND r.cancelled_at IS NULL AND r.erased_at IS NULL
), ranked AS (
    SELECT f.*, row_number() OVER (PARTITION BY returned, state, cause, code, enhanced, untried ORDER BY at DESC, registration DESC) AS rank
    FROM failed f
)
SELECT returned, state, cause, code, enhanced, untried, count(*), count(DISTINCT registration), max(at),
       jsonb_agg(jsonb_build_object('registration', registration, 'email', coalesce(email, ''), 'words', words, 'at', at) ORDER BY rank)
           FILTER (WHERE rank <= $3),
       array_agg(notice ORDER BY notice) FILTER (WHERE $4::boolean AND notice IS NOT NULL)
FROM ranked
GROUP BY returned, state, cause, code, enhanced, untried
ORDER BY count(*) DESC, cause, code, enhanced, state, returned, untried
