-- $1 seat, $2 name, $3 language, $4 zone; '' is the event's.
UPDATE convened.registrations SET name = nullif($2, ''), language = nullif($3, ''), zone = nullif($4, '')
WHERE id = $1 AND erased_at IS NULL
