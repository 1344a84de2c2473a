-- Counts rows that vanished and whom nobody has let go, where they are too many to
-- be single persons: more than $2, and more than a tenth of what there was. $1
-- source. What was let go stays so until it has been followed.
WITH pending AS (
    SELECT count(*) AS n FROM convened.source_changes WHERE source = $1 AND gone
), guarded AS (
    UPDATE convened.sources s
    SET vanished = CASE WHEN NOT s.let_go AND p.n > $2::int
                         AND p.n > (SELECT count(*) FROM convened.source_rows w WHERE w.source = $1 AND w.state = 'taken') / 10
                        THEN p.n ELSE 0 END,
        let_go = s.let_go AND p.n > 0
    FROM pending p
    WHERE s.id = $1 AND (p.n > $2::int OR s.vanished > 0 OR s.let_go)
    RETURNING s.vanished
)
SELECT coalesce((SELECT vanished FROM guarded), 0)
