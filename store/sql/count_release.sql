UPDATE convened.releases SET notices = notices + $2 WHERE id = $1
