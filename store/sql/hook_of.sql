-- $1 source.
SELECT service, secret, event FROM convened.hooks WHERE source = $1
