-- An event is looked at once before each start. $1 event, $2 start.
UPDATE convened.events SET preflight_for = $2
WHERE slug = $1 AND starts_at = $2 AND status = 'scheduled' AND preflight_for IS DISTINCT FROM $2
