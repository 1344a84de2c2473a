-- The letters of an event that can't be made, and the confirmations that ought to
-- have gone out before $2. $1 event. Leans on notices_event and,
-- for what is in hand, on notices_leased.
SELECT count(*) FILTER (WHERE n.cause = 'poison'),
       coalesce((array_agg(n.last_error ORDER BY n.id DESC) FILTER (WHERE n.cause = 'poison'))[1], ''),
       count(*) FILTER (WHERE n.late),
       min(n.instant) FILTER (WHERE n.late),
       coalesce((array_agg(n.last_error ORDER BY n.id DESC) FILTER (WHERE n.late AND n.last_error IS NOT NULL))[1], '')
FROM (
    SELECT id, cause, instant, last_error,
           kind = 'confirmation' AND state IN ('planned', 'claimed', 'unknown') AND cause IS DISTINCT FROM 'poison' AND planned_at <= $2 AS late
    FROM convened.notices
    WHERE event = $1 AND kind IN ('confirmation', 'reminder', 'update', 'cancellation', 'followup')
      AND (filed IN ('planned', 'unknown', 'refused') OR filed = 'claimed')
) n
