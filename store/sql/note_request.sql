-- Takes note of a request with an idempotency key, and says whether there was one
-- with it before, and which. A key that is older than a day is as good as new. Two at
-- once wait for each other. $1 source, $2 key, $3 what is asked, $4 now.
WITH before AS (
    SELECT digest FROM convened.requests WHERE source = $1 AND key = $2 AND made_at > $4::timestamptz - interval '1 day'
), noted AS (
    INSERT INTO convened.requests AS r (source, key, digest, made_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (source, key) DO UPDATE
    SET digest = CASE WHEN r.made_at > $4::timestamptz - interval '1 day' THEN r.digest ELSE excluded.digest END,
        made_at = CASE WHEN r.made_at > $4::timestamptz - interval '1 day' THEN r.made_at ELSE excluded.made_at END
    RETURNING digest, xmax <> 0 AND made_at <> $4::timestamptz AS again
)
SELECT again OR EXISTS (SELECT FROM before), digest FROM noted
