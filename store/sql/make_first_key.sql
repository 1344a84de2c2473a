INSERT INTO convened.keys (secret)
SELECT $1 WHERE NOT EXISTS (SELECT FROM convened.keys)
