package store

import (
	"context"
	"os"
	"testing"

	"convened/internal/lab/labtest"
)

func TestMain(m *testing.M) {
	os.Exit(labtest.Tight(m, func(url string) error {
		s, err := Open(Options{URL: url})
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		if _, err := s.Migrate(context.Background()); err != nil {
			return err
		}
		// These tests live in November 2026, and so do their registrations: one that
		// is older than its event would be taken for a copy.
		_, err = s.db.ExecContext(context.Background(), `ALTER TABLE convened.registrations ALTER created_at SET DEFAULT '2026-11-15 15:00:00+00'`)
		return err
	}))
}

// open returns a store on a database of the test's own.
func open(t *testing.T) *Store {
	t.Helper()
	return openURL(t, labtest.Database(t))
}

func openURL(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestEveryStatementPrepares(t *testing.T) {
	t.Parallel()
	for _, err := range open(t).CheckStatements(t.Context()) {
		t.Error(err)
	}
}

func TestMigrateTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	s := openURL(t, labtest.Blank(t))
	first, err := s.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first.From != 0 || first.To == 0 || len(first.Applied) == 0 || first.Missing != "" {
		t.Errorf("first migration is %+v", first)
	}
	second, err := s.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if second.From != first.To || second.To != first.To || len(second.Applied) != 0 {
		t.Errorf("second migration is %+v, first was %+v", second, first)
	}
	if err := s.CheckSchema(t.Context()); err != nil {
		t.Error(err)
	}
}
