package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"

	"convened"
)

// migrationTable is where goose remembers which migrations have run.
const migrationTable = "convened.migrations"

// A Migration is the result of Migrate.
type Migration struct {
	From, To int64
	Applied  []string // file names of the migrations that ran
	// Missing is SQL that the role was not allowed to run, for a superuser. ""
	// where nothing is missing.
	Missing string
}

// Migrate brings the schema to the version that this program knows. Two that
// run at once wait for each other. Running it again changes nothing. The role
// that runs it owns the schema.
func (s *Store) Migrate(ctx context.Context) (Migration, error) {
	var m Migration
	if err := s.makeSchema(ctx); err != nil {
		return m, err
	}
	if _, err := s.db.ExecContext(ctx, stmt("roles")); err != nil {
		if !forbidden(err) {
			return m, fmt.Errorf("make roles: %w", classify(err))
		}
		m.Missing = stmt("roles") + ";\n" + stmt("grants") + ";\n"
	}
	p, err := s.provider()
	if err != nil {
		return m, err
	}
	if m.From, err = p.GetDBVersion(ctx); err != nil {
		return m, fmt.Errorf("read the schema's version: %w", classify(err))
	}
	if known := newest(p); m.From > known {
		return m, fmt.Errorf("%w: it is at version %d and this program knows %d; install the newer program", ErrSchema, m.From, known)
	}
	results, err := p.Up(ctx)
	for _, r := range results {
		if r.Error == nil {
			m.Applied = append(m.Applied, r.Source.Path)
		}
	}
	if err != nil {
		return m, fmt.Errorf("migrate: %w", classify(err))
	}
	if m.To, err = p.GetDBVersion(ctx); err != nil {
		return m, fmt.Errorf("read the schema's version: %w", classify(err))
	}
	if m.Missing == "" {
		if _, err := s.db.ExecContext(ctx, stmt("grants")); err != nil {
			if !forbidden(err) {
				return m, fmt.Errorf("grant: %w", classify(err))
			}
			m.Missing = stmt("grants") + ";\n"
		}
	}
	if _, err := s.db.ExecContext(ctx, stmt("make_first_key"), newSecret()); err != nil {
		return m, fmt.Errorf("make the first key: %w", classify(err))
	}
	return m, nil
}

// makeSchema makes the schema that the table of migrations lives in. It is not
// safe for two at once even with IF NOT EXISTS: who loses finds it made.
func (s *Store) makeSchema(ctx context.Context) error {
	var there bool
	if err := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'convened')`).Scan(&there); err != nil {
		return fmt.Errorf("look for the schema: %w", classify(err))
	}
	if there {
		return nil
	}
	_, err := s.db.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS convened`)
	var e *pq.Error
	if errors.As(err, &e) && e.Code == "23505" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make the schema: %w; run `convened migrate` as a role that may create schemas in this database", classify(err))
	}
	return nil
}

// newSecret returns what a key for links is made of.
func newSecret() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // crypto/rand never fails: it crashes the program instead
	return b
}

// RotateKey makes a new key for links and returns its number. Only the role
// that migrates may do it.
func (s *Store) RotateKey(ctx context.Context) (uint32, error) {
	var id uint32
	err := s.tx(ctx, "rotate the key for links", func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, stmt("rotate_key"), newSecret()).Scan(&id); err != nil {
			return err
		}
		return note(ctx, tx, convened.Deed{What: convened.KeyRotated, Detail: fmt.Sprintf("key %d signs from now on", id)})
	})
	if forbidden(err) {
		err = fmt.Errorf("%w; run it as the role that runs `convened migrate`", err)
	}
	return id, err
}

func forbidden(err error) bool {
	var e *pq.Error
	return errors.As(err, &e) && e.Code == "42501"
}

func (s *Store) provider() (*goose.Provider, error) {
	dir, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	table, err := database.NewStore(database.DialectPostgres, migrationTable)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	p, err := goose.NewProvider("", s.db, dir, goose.WithStore(table), goose.WithSessionLocker(locker))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}

func newest(p *goose.Provider) int64 {
	sources := p.ListSources()
	return sources[len(sources)-1].Version
}

// CheckSchema returns nil if the schema is one that this program works with, and
// an error that wraps ErrSchema and names the mend otherwise.
func (s *Store) CheckSchema(ctx context.Context) error {
	p, err := s.provider()
	if err != nil {
		return err
	}
	var version int64
	err = s.tx(ctx, "read the schema's version", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, stmt("schema_version")).Scan(&version)
	})
	if err != nil {
		return err
	}
	switch known := newest(p); {
	case version < known:
		return fmt.Errorf("%w: it is at version %d and this program needs %d; run `convened migrate`", ErrSchema, version, known)
	case version > known:
		return fmt.Errorf("%w: it is at version %d and this program knows %d; install the newer program", ErrSchema, version, known)
	}
	return nil
}

// CheckStatements prepares every statement on the server, so that a privilege
// or a column that is missing shows before a row needs it.
func (s *Store) CheckStatements(ctx context.Context) []error {
	var faults []error
	for name, text := range statements {
		if administrative[name] {
			continue
		}
		err := s.tx(ctx, "prepare "+name, func(tx *sql.Tx) error {
			st, err := tx.PrepareContext(ctx, text)
			if err != nil {
				return err
			}
			return st.Close()
		})
		if err != nil {
			faults = append(faults, err)
		}
	}
	return faults
}

// administrative statements are for the role that migrates alone, or can't be
// prepared.
var administrative = map[string]bool{"roles": true, "grants": true, "rotate_key": true, "make_first_key": true}

// Keys returns the keyring for links. Its error wraps ErrSchema if there is none.
func (s *Store) Keys(ctx context.Context) (convened.Keyring, error) {
	var ring convened.Keyring
	err := s.tx(ctx, "read the keys", func(tx *sql.Tx) error {
		ring = nil
		rows, err := tx.QueryContext(ctx, stmt("keys"))
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var k convened.Key
			if err := rows.Scan(&k.ID, &k.Secret); err != nil {
				return err
			}
			ring = append(ring, k)
		}
		return rows.Err()
	})
	if err == nil && len(ring) == 0 {
		err = fmt.Errorf("%w: it holds no key for links; run `convened migrate`", ErrSchema)
	}
	return ring, err
}
