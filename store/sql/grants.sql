-- Least privilege: the daemon reads and writes its rows and changes no table;
-- a sign-up form may insert the columns that are its own, and see which events
-- there are. convened_source owns the triggers' functions that copy rows of
-- adopted tables: nobody is it, and it can do what a form may, and take notes.
-- Granting twice changes nothing.
DO $$
BEGIN
    GRANT USAGE ON SCHEMA convened TO convened, convened_intake;
    GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA convened TO convened;
    GRANT USAGE, SELECT ON SEQUENCE convened.notices_id_seq TO convened; -- numbers are given out before their rows: see next_seats.sql
    GRANT DELETE ON convened.reminders, convened.attempts, convened.users, convened.user_roles, convened.sessions, convened.steps_ahead TO convened;
    REVOKE UPDATE ON convened.trail FROM convened;
    GRANT UPDATE (detail, event) ON convened.trail TO convened;
    REVOKE INSERT, UPDATE ON convened.migrations FROM convened;
    REVOKE INSERT, UPDATE ON convened.keys FROM convened;
    GRANT INSERT (event, email, name, language, zone, source_ref) ON convened.registrations TO convened_intake;
    GRANT SELECT (slug) ON convened.events TO convened_intake;
    GRANT DELETE ON convened.requests, convened.sources, convened.source_rows, convened.source_changes, convened.source_problems TO convened;
    GRANT USAGE ON SCHEMA convened TO convened_source;
    GRANT INSERT (event, email, name, language, zone, source_ref), SELECT (id) ON convened.registrations TO convened_source;
    GRANT SELECT (slug) ON convened.events TO convened_source;
    GRANT SELECT, INSERT ON convened.source_rows TO convened_source;
    GRANT INSERT ON convened.source_changes, convened.source_problems TO convened_source;
    GRANT EXECUTE ON FUNCTION convened.source_saw(integer, text, text, text, text, text, text, text, text, boolean, text) TO convened_source;
END
$$
