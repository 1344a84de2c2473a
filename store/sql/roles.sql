-- The roles that work with the schema and own nothing of it. Roles belong
-- to the whole cluster, so another database's migration may be making them at
-- this moment: the two exceptions are that race.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'convened') THEN
        CREATE ROLE convened LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'convened_intake') THEN
        CREATE ROLE convened_intake NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'convened_source') THEN
        CREATE ROLE convened_source NOLOGIN;
    END IF;
    -- Who is no superuser has to be a member to hand a function to it.
    IF NOT pg_has_role('convened_source', 'MEMBER') THEN
        EXECUTE format('GRANT convened_source TO %I', current_user);
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$
