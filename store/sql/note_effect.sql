-- What followed from a return. $1 return, $2 effect.
UPDATE convened.returns SET effect = $2 WHERE id = $1
