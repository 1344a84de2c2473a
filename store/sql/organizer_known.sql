-- Whether an address is that of an organiser: answers to invitations come there.
SELECT $1::text <> '' AND EXISTS (SELECT FROM convened.events WHERE lower(organizer_email) = lower($1))
