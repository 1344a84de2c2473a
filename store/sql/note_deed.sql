-- Who did what. $1 when, $2 who, $3 by which way, $4 what, $5 event or '' (then it
-- is the registration's), $6 registration or 0, $7 detail.
INSERT INTO convened.trail (at, made_by, via, what, event, registration, detail)
VALUES ($1, $2, $3, $4, coalesce(NULLIF($5, ''), (SELECT event FROM convened.registrations WHERE id = $6::bigint)), NULLIF($6::bigint, 0), $7)
