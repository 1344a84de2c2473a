-- The last look before the wire: a notice is marked only while its claim holds
-- and the letter still says what is true. The events' rows are shared with
-- other marks and held against edits, so nothing whose mark follows an edit
-- carries old data. The lease now covers the wait for the final reply.
-- $1 ids, $2 attempts, $3 message ids, $4 revisions of the event, $5 sequences
-- of the registration, $6 the lease in milliseconds, $7 the slugs of the events
-- that the letters were made from, $8 this daemon.
-- A claim does not wait for the disk, so a crash of the server may have taken it back
-- and given its attempt to another: who claimed is looked at too, and no claim is
-- marked twice. See docs/decisions/0011.
-- Each notice is looked up by its id: only what is claimed has a lease, and to name the
-- state would send the planner through all that anybody has in hand.
-- If we crash after it, nobody knows whether the letter left: see expire.sql.
WITH input AS (
    SELECT i.id, i.attempt, i.message_id, i.revision, i.sequence
    FROM unnest($1::bigint[], $2::int[], $3::text[], $4::int[], $5::int[]) AS i (id, attempt, message_id, revision, sequence)
), held AS MATERIALIZED (
    SELECT e.slug, e.revision, e.sequence
    FROM convened.events e
    WHERE e.slug = ANY ($7::text[])
    ORDER BY e.slug
    FOR SHARE
)
UPDATE convened.notices n
SET marked_at = now(),
    lease_until = now() + $6 * interval '1 millisecond',
    message_id = coalesce(n.message_id, i.message_id),
    revision = i.revision,
    sequence = h.sequence + i.sequence
FROM input i, held h
WHERE n.id = i.id AND n.attempt = i.attempt AND n.lease_until > now() AND n.claimed_by = $8 AND n.marked_at IS NULL
  AND h.slug = n.event AND h.revision = i.revision
  AND NOT EXISTS (SELECT FROM convened.service v WHERE v.quarantined_at IS NOT NULL)
  AND (n.registration IS NULL OR EXISTS (
      SELECT FROM convened.registrations r
      WHERE r.id = n.registration AND r.erased_at IS NULL AND r.sequence = i.sequence
        AND (r.muted_at IS NULL OR n.kind NOT IN ('reminder', 'followup'))))
RETURNING n.id
