-- The language and the zone that a person wants letters in; '' is the event's.
-- $1 event, $2 seat, $3 language, $4 zone.
UPDATE convened.registrations SET language = nullif($3, ''), zone = nullif($4, '')
WHERE event = $1 AND id = $2 AND seat = id AND erased_at IS NULL
