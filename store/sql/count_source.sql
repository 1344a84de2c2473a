-- $1 id.
SELECT coalesce(sum(n) FILTER (WHERE state = 'before'), 0), coalesce(sum(n) FILTER (WHERE state = 'taken'), 0),
       coalesce(sum(n) FILTER (WHERE state = 'out'), 0), coalesce(sum(n) FILTER (WHERE state = 'gone'), 0),
       (SELECT count(DISTINCT key) FROM convened.source_problems WHERE source = $1),
       (SELECT count(*) FROM convened.source_changes WHERE source = $1),
       coalesce((SELECT passed_over FROM convened.sources WHERE id = $1), 0)
FROM (SELECT state, count(*) AS n FROM convened.source_rows WHERE source = $1 GROUP BY state) s
