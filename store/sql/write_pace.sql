-- $1 what is left in the bucket.
UPDATE convened.pace SET tokens = $1, at = clock_timestamp()
