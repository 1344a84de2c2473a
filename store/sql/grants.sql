-- Least privilege: the daemon reads and writes its rows and changes no table;
-- a sign-up form may insert the columns that are its own, and see which events
-- there are. Granting twice changes nothing.
DO $$
BEGIN
    GRANT USAGE ON SCHEMA convened TO convened, convened_intake;
    GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA convened TO convened;
    GRANT DELETE ON convened.reminders, convened.attempts, convened.users, convened.user_roles, convened.sessions TO convened;
    REVOKE UPDATE ON convened.trail FROM convened;
    GRANT UPDATE (detail, event) ON convened.trail TO convened;
    REVOKE INSERT, UPDATE ON convened.migrations FROM convened;
    REVOKE INSERT, UPDATE ON convened.keys FROM convened;
    GRANT INSERT (event, email, name, language, zone, source_ref) ON convened.registrations TO convened_intake;
    GRANT SELECT (slug) ON convened.events TO convened_intake;
END
$$
