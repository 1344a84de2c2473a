-- After a look: up to where, and how many more rows there are. $1 source, $2 the
-- watermark, $3 rows, $4 whether there is none yet, because rows are left.
UPDATE convened.sources SET watermark = CASE WHEN $4::boolean THEN NULL ELSE $2::bigint END, present = present + $3 WHERE id = $1
