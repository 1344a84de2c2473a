-- $1 source, $2 service, $3 secret, $4 event or ''.
INSERT INTO convened.hooks (source, service, secret, event) VALUES ($1, $2, $3, $4)
ON CONFLICT (source) DO UPDATE SET service = excluded.service, secret = excluded.secret, event = excluded.event
