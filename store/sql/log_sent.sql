-- Logs the attempts of settle_sent.sql. What was sent already is evidence all the same,
-- of a notice that there is and that is still whose it was.
-- $1 ids, $2 attempts, $3 an instant, $4 when after it in microseconds, $5 codes, $6 enhanced
-- codes, $7 replies, $8 phases, $9 whether it was settled just now, $10 registrations of
-- those that were not: from $5 on one is for all. $11 this daemon.
INSERT INTO convened.attempts (notice, attempt, daemon, at, state, phase, code, enhanced, reply)
SELECT i.id, i.attempt, $11::bigint, $3::timestamptz + i.after * interval '1 microsecond', 'sent',
       coalesce(i.phase, ($8::text[])[1]), coalesce(i.code, ($5::int[])[1]), coalesce(i.enhanced, ($6::text[])[1]), coalesce(i.reply, ($7::text[])[1])
FROM unnest($1::bigint[], $2::int[], $4::bigint[], $5::int[], $6::text[], $7::text[], $8::text[], $9::boolean[], $10::bigint[])
  AS i (id, attempt, after, code, enhanced, reply, phase, settled, registration)
WHERE coalesce(i.settled, ($9::boolean[])[1])
   OR EXISTS (SELECT FROM convened.notices n WHERE n.id = i.id AND coalesce(i.registration, ($10::bigint[])[1]) IN (0, n.registration))
ON CONFLICT (notice, attempt) DO NOTHING
