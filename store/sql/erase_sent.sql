-- What is known of an address from rows that could not be taken, or whose changes are
-- still to be followed. $1 event, or '' for all, $2 the address as typed.
WITH problems AS (
    UPDATE convened.source_problems SET email = NULL, name = NULL
    WHERE lower(email) = lower(btrim($2)) AND ($1::text = '' OR event = $1)
)
UPDATE convened.source_changes SET email = NULL, name = NULL
WHERE lower(email) = lower(btrim($2)) AND ($1::text = '' OR event = $1)
