-- What the file no longer has. What it caused stays on record.
DELETE FROM convened.reminders WHERE event = $1 AND name <> ALL ($2::text[])
