-- Notices of one person that are not to go any more. What is claimed is caught
-- by its mark. $1 seat, $2 kinds, $3 now, $4 why.
UPDATE convened.notices
SET state = 'cancelled', settled_at = $3, cause = 'useless', reason = $4
WHERE registration = $1 AND kind = ANY ($2::text[]) AND state IN ('planned', 'held')
