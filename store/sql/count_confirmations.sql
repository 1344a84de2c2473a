-- How many confirmations of an event were planned. $1 event. By notices_event alone,
-- but for the few in hand.
SELECT (SELECT count(*) FROM convened.notices WHERE event = $1 AND kind = 'confirmation' AND filed <> 'claimed')
     + (SELECT count(*) FROM convened.notices WHERE event = $1 AND kind = 'confirmation' AND filed = 'claimed')
