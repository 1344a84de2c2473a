-- Waits until the steps of occasions that are being planned have ended. Their rows are seen
-- by nobody before, so whoever looks for them without this finds nothing and goes away.
SELECT
FROM convened.reminder_occasions
WHERE planned_at IS NULL
FOR SHARE
