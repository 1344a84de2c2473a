-- Every attempt at a notice of one person. $1 seat. Leans on notices_once and
-- the key of attempts.
SELECT a.notice, a.attempt, a.at, a.state, a.phase, a.code, a.enhanced, a.cause, a.reply
FROM convened.notices n JOIN convened.attempts a ON a.notice = n.id
WHERE n.registration = $1
ORDER BY a.notice, a.attempt
