-- One more mail that came in, whatever was done with it. $1 now, $2 what it was.
INSERT INTO convened.incoming (day, what, mails)
VALUES (($1::timestamptz AT TIME ZONE 'UTC')::date, $2, 1)
ON CONFLICT (day, what) DO UPDATE SET mails = incoming.mails + 1
