-- How many notices were planned, as planning has counted them, and for how many seats it
-- has still to plan: of each occasion of a reminder, and of each change. $1 event.
SELECT 'reminder', name, starts_at, ordinal, notices, CASE WHEN planned_at IS NULL THEN upto_seat - done_seat ELSE 0 END
FROM convened.reminder_occasions WHERE event = $1
UNION ALL
SELECT kind, '', made_at, sequence, notices, CASE WHEN planned_at IS NULL THEN coalesce(upto_seat, 0) - done_seat ELSE 0 END
FROM convened.changes WHERE event = $1
