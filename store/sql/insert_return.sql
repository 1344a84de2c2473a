-- Writes down what came back. The same mail delivered twice is one row, and no
-- letter has more than so many of a kind: who can make bounces can't fill the
-- disk. The seat is held, so that it is not erased at the same time, and so is the
-- notice, so that nobody deletes it.
-- $1 notice, $2 seat, $3 now, $4 kind, $5 action, $6 status, $7 cause, $8 text,
-- $9 when it was said, $10 digest, $11 how many at most.
-- Leans on returns_of_notice and returns_of_registration.
WITH seat AS MATERIALIZED (
    SELECT id FROM convened.registrations WHERE id = $2 AND erased_at IS NULL FOR NO KEY UPDATE
), letter AS MATERIALIZED (
    SELECT id FROM convened.notices WHERE id = $1 FOR KEY SHARE
)
INSERT INTO convened.returns (notice, registration, at, kind, action, status, cause, text, said_at, digest)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
WHERE ($2::bigint IS NULL OR EXISTS (SELECT FROM seat))
  AND ($1::bigint IS NULL OR EXISTS (SELECT FROM letter))
  AND $11 > (SELECT count(*) FROM convened.returns
             WHERE kind = $4 AND CASE WHEN $1::bigint IS NULL THEN registration = $2 ELSE notice = $1 END)
ON CONFLICT DO NOTHING
RETURNING id
