-- How many confirmations of an event were planned. $1 event. By notices_event alone.
SELECT count(*) FROM convened.notices WHERE event = $1 AND kind = 'confirmation'
