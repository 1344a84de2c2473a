-- Holds an event's row against edits and against whoever takes a seat, and not against
-- others who only want it to stay as it is.
SELECT revision, sequence
FROM convened.events
WHERE slug = $1
FOR SHARE
