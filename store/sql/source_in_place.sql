-- Whether a table is still the one that was adopted, and has its trigger. $1 the
-- table, $2 its oid then, $3 the trigger.
SELECT coalesce(to_regclass($1)::oid::bigint = $2, false),
       EXISTS (SELECT FROM pg_trigger WHERE tgrelid = $2::bigint::oid AND tgname = $3 AND tgenabled <> 'D')
