-- Holds the bucket and says what is in it and for how long nobody looked.
SELECT tokens, extract(epoch FROM clock_timestamp() - at)::double precision FROM convened.pace FOR NO KEY UPDATE
