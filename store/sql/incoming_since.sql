-- What came in since the day of an instant. $1 the instant.
SELECT what, sum(mails)
FROM convened.incoming
WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date
GROUP BY what
ORDER BY what
