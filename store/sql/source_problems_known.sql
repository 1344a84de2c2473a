-- Rows whose event was not known and is by now. $1 source, $2 how many.
SELECT p.key, p.event, p.email, p.name, p.language, p.zone,
       convened.source_digest(p.event, p.email, p.name, p.language, p.zone, false), w.version
FROM (SELECT DISTINCT ON (key) id, key, what, event, email, name, language, zone
      FROM convened.source_problems
      WHERE source = $1
      ORDER BY key, id DESC) p
JOIN convened.source_rows w ON w.source = $1 AND w.key = p.key AND w.state = 'problem'
JOIN convened.events e ON e.slug = p.event
WHERE p.what = 'event'
ORDER BY p.key
LIMIT $2
FOR NO KEY UPDATE OF w
