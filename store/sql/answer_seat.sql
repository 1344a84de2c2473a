-- What a person answered in a calendar. Nothing follows by itself: letters from
-- now on offer to give up the seat. Mail overtakes mail, so an answer that was
-- given before another that is here counts for nothing.
-- $1 seat, $2 whether it is a no, $3 now, $4 when it was given, $5 this return.
UPDATE convened.registrations r
SET declined_at = CASE WHEN $2 THEN $3::timestamptz END
WHERE r.id = $1 AND (r.declined_at IS NOT NULL) <> $2 AND r.cancelled_at IS NULL AND r.erased_at IS NULL
  AND NOT EXISTS (SELECT FROM convened.returns o
                  WHERE o.registration = r.id AND o.kind = 'answer' AND o.said_at > $4 AND o.id <> $5)
