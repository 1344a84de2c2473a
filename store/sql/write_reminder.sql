-- A rule that changes under the same name counts as added now.
INSERT INTO convened.reminders AS r (event, name, rule, late, template, note, position, added_at)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8)
ON CONFLICT (event, name) DO UPDATE
SET added_at = CASE WHEN r.rule = excluded.rule THEN r.added_at ELSE excluded.added_at END,
    rule = excluded.rule, late = excluded.late, template = excluded.template, note = excluded.note, position = excluded.position
