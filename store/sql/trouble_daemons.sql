-- Why a daemon that is alive sends nothing, in its own words; not what else it
-- says after them, of what is held.
SELECT regexp_replace(status, '; [0-9,]+ held: .*$', '') FROM convened.daemons
WHERE stopped_at IS NULL AND beat_at > now() - interval '1 minute' AND status LIKE 'waiting: %'
ORDER BY beat_at DESC
LIMIT 1
