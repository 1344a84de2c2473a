-- For what causes anything of an event is held. $1 event. Leans on notices_held.
SELECT DISTINCT coalesce(cause, '') FROM convened.notices WHERE event = $1 AND filed = 'held'
