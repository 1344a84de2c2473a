-- Forgets the steps that were planned ahead and of which nothing is in hand any more.
-- What is claimed anew is found by notices_leased.
DELETE FROM convened.steps_ahead s
WHERE NOT EXISTS (
    SELECT FROM convened.notices n
    WHERE n.id BETWEEN s.lowest AND s.highest AND n.ahead AND n.state = 'claimed' AND n.claimed_by = s.daemon)
