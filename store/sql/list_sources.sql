-- Every source, or the one of a name. $1 name, or ''.
SELECT id, name, way, relation, coalesce(relation_id, 0), key_columns, mapping, follow, made_at, made_by,
       watermark, present, looked_at, look_took, trouble, vanished, let_go
FROM convened.sources
WHERE $1::text = '' OR name = $1
ORDER BY name
