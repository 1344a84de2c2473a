-- A new key signs from now on; the older ones go on verifying, so that links in
-- mails already sent stay alive. $1 the secret.
WITH retired AS (
    UPDATE convened.keys SET retired_at = now() WHERE retired_at IS NULL RETURNING id
)
INSERT INTO convened.keys (secret) SELECT $1 FROM (SELECT count(*) FROM retired) AS done
RETURNING id
