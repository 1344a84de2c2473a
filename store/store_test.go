package store

import (
	"context"
	"os"
	"testing"

	"convened/internal/lab/labtest"
)

func TestMain(m *testing.M) {
	os.Exit(labtest.Main(m, func(url string) error {
		s, err := Open(Options{URL: url})
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		_, err = s.Migrate(context.Background())
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
