-- The row is locked by lock_event.
UPDATE convened.events
SET title = $2::jsonb, description = $3::jsonb, introduction = $4::jsonb, location = $5::jsonb, language = $6, held_in = $7, zone = $8,
    starts_local = $9::timestamp, ends_local = $10::timestamp, starts_at = $11, ends_at = $12, join_url = $13, page_url = $14,
    organizer_name = $15, organizer_email = $16, colour = $17, logo = $18, sign_up = $19, status = $20,
    sequence = $21, revision = $22, sequenced_at = $23, moved_at = $24, created_at = $25, over_at = $26, updated_at = $27
WHERE slug = $1
