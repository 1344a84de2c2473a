-- The key that signs first, then those that still verify.
SELECT id, secret FROM convened.keys
ORDER BY retired_at IS NULL DESC, id DESC
