-- Which cluster and which database this is: what a journal on disk is of.
SELECT (SELECT system_identifier::text FROM pg_control_system()), current_database()
