-- Events for which something may still be planned, with the revision that a
-- daemon may have in memory already. Leans on events_open.
SELECT slug, revision
FROM convened.events
WHERE over_at >= $1
ORDER BY slug
