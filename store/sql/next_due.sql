-- The next instant at which something that is planned becomes due; null if
-- nothing is. Leans on notices_due, notices_doubtful and changes_unplanned.
SELECT min(at) FROM (
    SELECT (SELECT min(due_at) FROM convened.notices WHERE filed = 'planned' AND priority = p.priority) AS at
    FROM (VALUES (0), (1), (2), (3)) AS p (priority)
    UNION ALL
    SELECT (SELECT min(due_at) FROM convened.notices WHERE filed = 'unknown')
    UNION ALL
    SELECT (SELECT min(due_at) FROM convened.changes WHERE planned_at IS NULL)
) all_of
