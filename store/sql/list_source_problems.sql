-- The latest of each row. $1 source's name, or '' for all, $2 how many.
SELECT s.name, p.key, p.made_at, p.what, p.detail, coalesce(p.event, ''), coalesce(p.email, ''), coalesce(p.name, '')
FROM (SELECT DISTINCT ON (source, key) source, key, id, made_at, what, detail, event, email, name
      FROM convened.source_problems
      ORDER BY source, key, id DESC) p
JOIN convened.sources s ON s.id = p.source
WHERE $1::text = '' OR s.name = $1
ORDER BY p.id DESC
LIMIT $2
