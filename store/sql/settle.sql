-- Writes down what came of a batch, but for what was sent: see settle_sent.sql. Each
-- outcome counts only from the hand that holds the claim.
-- $1 ids, $2 attempts, $3 states, $4 due again at, $5 counted as failures,
-- $6 counted as doubts, $7 when, $8 codes, $9 enhanced codes, $10 replies,
-- $11 phases, $12 causes, $13 reasons, $14 this daemon.
WITH input AS (
    SELECT i.id, i.attempt, i.state, i.due_at, i.failed, i.doubted, i.at, i.code, i.enhanced, i.reply, i.phase, i.cause, i.reason
    FROM unnest($1::bigint[], $2::int[], $3::text[], $4::timestamptz[], $5::int[], $6::int[], $7::timestamptz[],
                $8::int[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
      AS i (id, attempt, state, due_at, failed, doubted, at, code, enhanced, reply, phase, cause, reason)
), settled AS (
    UPDATE convened.notices n
    SET state = i.state,
        lease_until = NULL,
        due_at = CASE WHEN i.state IN ('planned', 'unknown') THEN i.due_at ELSE n.due_at END,
        marked_at = CASE WHEN i.state = 'planned' THEN NULL ELSE n.marked_at END,
        failures = n.failures + i.failed,
        doubts = n.doubts + i.doubted,
        settled_at = CASE WHEN i.state IN ('planned', 'unknown', 'held') THEN NULL ELSE i.at END,
        last_code = nullif(i.code, 0),
        last_enhanced = nullif(i.enhanced, ''),
        last_error = coalesce(nullif(i.reply, ''), n.last_error),
        cause = nullif(i.cause, ''),
        reason = nullif(i.reason, '')
    FROM input i
    WHERE n.id = i.id AND n.state = 'claimed' AND n.attempt = i.attempt AND n.claimed_by = coalesce($14::bigint, 0) AND n.lease_until > now()
    RETURNING n.id, n.registration, i.state, i.cause
), marked AS (
    -- An address that does not work gets no reminders; who corrects it registers again.
    UPDATE convened.registrations r
    SET refused_at = i.at
    FROM settled s JOIN input i ON i.id = s.id
    WHERE r.id = s.registration AND s.state = 'refused' AND s.cause = 'address' AND r.refused_at IS NULL
    RETURNING 1
), logged AS (
    INSERT INTO convened.attempts (notice, attempt, daemon, at, state, phase, code, enhanced, cause, reply)
    -- What nobody settled is evidence all the same, of a notice that there is.
    SELECT i.id, i.attempt, $14::bigint, i.at, i.state, i.phase, i.code, i.enhanced, i.cause, i.reply
    FROM input i
    WHERE i.id IN (SELECT s.id FROM settled s) OR (SELECT true FROM convened.notices n WHERE n.id = i.id)
    ON CONFLICT (notice, attempt) DO NOTHING
    RETURNING 1
)
SELECT id FROM settled
