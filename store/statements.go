package store

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
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

// conflict is the line of a statement that leaves out rows that are there already.
var conflict = regexp.MustCompile(`(?m)^ *ON CONFLICT .*\n?`)

// newRows holds statements of a burst without that line. Its rows are new nearly always,
// and to look for each of them before it is written costs a tenth of the statement. One
// that is there all the same fails it (23505), with all that was done in its transaction.
var newRows = func() map[string]string {
	m := map[string]string{}
	for _, name := range []string{"plan_occasion", "log_sent"} {
		if len(conflict.FindAllString(stmt(name), -1)) != 1 {
			panic("store: which line of " + name + " is about conflicts?")
		}
		m[name] = conflict.ReplaceAllString(stmt(name), "")
	}
	return m
}()

// asNew runs f with the statement of newRows, and once more with the statement itself
// where a row is there all the same.
func asNew(name string, f func(query string) error) error {
	err := f(newRows[name])
	if violated(err) != "" {
		err = f(stmt(name))
	}
	return err
}
