-- Personal data goes, the row stays, so that what was counted stays counted. An
-- address that is gone can't be matched any more: who registers again is new.
-- $1 ids, $2 now.
UPDATE convened.registrations
SET email = NULL, name = NULL, language = NULL, zone = NULL, source_ref = NULL, address = NULL,
    uid = gen_random_uuid(), erased_at = $2, planned_at = coalesce(planned_at, $2)
WHERE id = ANY ($1::bigint[]) AND erased_at IS NULL
