-- $1 name, $2 way, $3 table, $4 its oid, $5 key columns, $6 mapping, $7 whether
-- deleted rows are followed, $8 now, $9 who.
INSERT INTO convened.sources (name, way, relation, relation_id, key_columns, mapping, follow, made_at, made_by)
VALUES ($1, $2, $3, nullif($4::bigint, 0), $5::text[], $6::jsonb, $7, $8, $9)
RETURNING id
