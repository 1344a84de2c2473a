-- When nothing of an event is held by the fuse any more, it counts anew. $1 event,
-- $2 now. Leans on notices_held.
UPDATE convened.events SET fuse_from = $2
WHERE slug = $1 AND NOT EXISTS (SELECT FROM convened.notices WHERE event = $1 AND filed = 'held' AND cause = 'fuse')
