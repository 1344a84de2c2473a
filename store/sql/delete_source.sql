-- A source and all that is known of its rows; what they became stays. $1 id.
DELETE FROM convened.sources WHERE id = $1
