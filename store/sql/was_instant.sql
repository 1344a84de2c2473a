-- Whether an event with this wall time in this zone had this start before.
-- $1 event, $2 local start, $3 zone, $4 start.
SELECT EXISTS (
    SELECT FROM convened.revisions
    WHERE event = $1 AND (snapshot->>'starts_local')::timestamp = $2::timestamp AND snapshot->>'zone' = $3
      AND (snapshot->>'starts_at')::timestamptz = $4)
