-- $1 event, $2 how many more seat numbers were given out.
UPDATE convened.events SET seats = seats + $2 WHERE slug = $1
