-- How many notices were planned, as planning has counted them: of each occasion of a
-- reminder, and of each change. $1 event.
SELECT 'reminder', name, starts_at, ordinal, notices FROM convened.reminder_occasions WHERE event = $1
UNION ALL
SELECT kind, '', made_at, sequence, notices FROM convened.changes WHERE event = $1
