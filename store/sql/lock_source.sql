-- Holds a source, so that one at a time writes what a look found. $1 id.
SELECT watermark FROM convened.sources WHERE id = $1 FOR NO KEY UPDATE
