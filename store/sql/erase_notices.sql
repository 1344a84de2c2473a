-- What servers said may hold an address, and a Message-ID is made from the UID.
-- What was still to be sent is not sent. $1 ids of registrations, $2 now.
WITH gone AS (
    UPDATE convened.notices
    SET message_id = NULL, last_error = NULL,
        state = CASE WHEN state IN ('planned', 'held', 'unknown') THEN 'cancelled' ELSE state END,
        settled_at = CASE WHEN state IN ('planned', 'held', 'unknown') THEN $2 ELSE settled_at END,
        reason = CASE WHEN state IN ('planned', 'held', 'unknown') THEN 'the registration was erased' ELSE reason END
    WHERE registration = ANY ($1::bigint[])
    RETURNING id
), returned AS (
    UPDATE convened.returns SET text = '', digest = NULL WHERE registration = ANY ($1::bigint[])
)
UPDATE convened.attempts a SET reply = '' FROM gone WHERE a.notice = gone.id AND a.reply <> ''
