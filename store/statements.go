package store

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

//go:embed migrations/*.sql
var migrationFiles embed.FS

// statements holds each file of sql/ by its name without the ending.
var statements = func() map[string]string {
	m := map[string]string{}
	entries, err := fs.ReadDir(sqlFiles, "sql")
	if err != nil {
		panic(err) // the files are part of the program
	}
	for _, e := range entries {
		b, err := fs.ReadFile(sqlFiles, path.Join("sql", e.Name()))
		if err != nil {
			panic(err)
		}
		m[strings.TrimSuffix(e.Name(), ".sql")] = string(b)
	}
	return m
}()

// stmt returns a statement by the name of its file. It panics on a name that
// has none: TestEveryStatementPrepares knows them all.
func stmt(name string) string {
	s, ok := statements[name]
	if !ok {
		panic(fmt.Sprintf("store: no file sql/%s.sql", name))
	}
	return s
}
