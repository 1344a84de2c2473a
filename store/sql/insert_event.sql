INSERT INTO convened.events (slug, title, description, introduction, location, language, held_in, zone,
    starts_local, ends_local, starts_at, ends_at, join_url, page_url, organizer_name, organizer_email, colour, logo, sign_up, status,
    sequence, revision, sequenced_at, moved_at, created_at, over_at, updated_at)
VALUES ($1, $2::jsonb, $3::jsonb, $4::jsonb, $5::jsonb, $6, $7, $8, $9::timestamp, $10::timestamp, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
    $21, $22, $23, $24, $25, $26, $27)
ON CONFLICT DO NOTHING
