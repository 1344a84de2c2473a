-- What came of a change: how the row stands, and that the change, and what came
-- before it of the same row, is done with. A row that is to be taken is out until it
-- is. $1 source, $2 key, $3 state, $4 registration or 0, $5 digest, $6 whether it is
-- taken next, $7 whether it was there before, $8 the change.
WITH done AS (
    DELETE FROM convened.source_changes WHERE source = $1 AND (key = $2 OR id = $8) AND id <= $8
), solved AS (
    DELETE FROM convened.source_problems WHERE source = $1 AND key = $2 AND $3::text IN ('taken', 'out', 'gone')
), counted AS (
    UPDATE convened.sources s
    SET passed_over = s.passed_over + $7::boolean::int,
        present = s.present - CASE WHEN s.way = 'poll' AND $3::text = 'gone' THEN 1 ELSE 0 END
    WHERE s.id = $1 AND ($7::boolean OR s.way = 'poll' AND $3::text = 'gone')
), withdrawn AS (
    UPDATE convened.registrations r SET withdrawn_at = now()
    FROM convened.source_rows w
    WHERE w.source = $1 AND w.key = $2 AND r.id = w.registration AND r.withdrawn_at IS NULL
      AND ($6::boolean OR $3::text IN ('out', 'gone') OR $4::bigint NOT IN (0, w.registration))
)
UPDATE convened.source_rows
SET state = CASE WHEN $6::boolean THEN 'out' ELSE $3::text END,
    registration = coalesce(nullif($4::bigint, 0), registration),
    digest = CASE WHEN $3::text IN ('taken', 'out') THEN $5::bytea ELSE digest END
WHERE source = $1 AND key = $2 AND $3::text <> ''
