SELECT name, rule, late, template, note, added_at
FROM convened.reminders
WHERE event = $1
ORDER BY position
