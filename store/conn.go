package store

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/lib/pq"
)

// This file makes the pool's connections quick for the few rows that somebody waits
// for: on the way from a registration to its letter each round trip counts, and so
// does what the server takes to read and to plan a statement, which is more than to
// carry it out.
//
// A statement that is prepared belongs to a session. Behind PgBouncer in transaction
// mode a session is nobody's: what a name stands for is another statement a moment
// later. So nothing is prepared unless the session is proved to be this connection's
// own. Each connection is begun with a parameter that has a random value. PgBouncer
// refuses one that it does not know, or swallows it; what the session knows
// it by was begun by this very connection. Where it is not proved, or
// database.direct_url says that there is somebody between, all is as it would be
// without. Should a name turn out to be unknown or taken all the same, nothing is
// prepared from then on.

// proof is the parameter. Postgres takes any of two words.
const proof = "convened.session"

// A connector makes connections to one database.
type connector struct {
	config pq.Config
	dialer pq.Dialer
	shared atomic.Bool // the way leads through somebody who shares sessions
}

func (c *connector) Driver() driver.Driver { return &pq.Driver{} }

// Connect makes a connection.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if c.shared.Load() {
		return c.connect(ctx, "")
	}
	made, err := c.connect(ctx, rand.Text())
	// So PgBouncer says that it does not know the parameter. Of several hosts each says
	// what it has to say.
	if err != nil && (code(err) == "08P01" || strings.Contains(err.Error(), proof)) {
		if made, err = c.connect(ctx, ""); err == nil {
			c.shared.Store(true)
		}
	}
	if err != nil {
		return nil, err
	}
	return made, nil
}

func (c *connector) connect(ctx context.Context, mark string) (*conn, error) {
	config := c.config.Clone()
	if mark != "" {
		config.Runtime[proof] = mark
	}
	plain, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, err
	}
	plain.Dialer(c.dialer)
	made, err := plain.Connect(ctx)
	if err != nil {
		return nil, err
	}
	known, ok := made.(driverConn)
	if !ok {
		_ = made.Close()
		return nil, fmt.Errorf("connect: %T is not what a connection of lib/pq was", made)
	}
	n := &conn{driverConn: known, of: c, prepared: map[string]driver.Stmt{}}
	if mark == "" {
		return n, nil
	}
	if n.own, err = n.knows(ctx, mark); err != nil {
		_ = made.Close()
		return nil, err
	}
	return n, nil
}

// A driverConn is what a connection of lib/pq can do, which is its own
// transaction: it knows by the server's last word whether one is under way.
type driverConn interface {
	driver.Conn
	driver.Tx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// A conn says a transaction's first words together with its BEGIN, and prepares the
// statements of transactions of few rows. Like any driver's it is used by one
// goroutine at a time.
type conn struct {
	driverConn
	of       *connector
	own      bool                   // the session is this connection's alone
	few      bool                   // the transaction is of few rows
	prepared map[string]driver.Stmt // by the statement
	spoilt   bool                   // what was prepared is no good any more
}

// knows reports whether the session was begun with the mark.
func (c *conn) knows(ctx context.Context, mark string) (bool, error) {
	rows, err := c.driverConn.QueryContext(ctx, "SELECT coalesce(current_setting('"+proof+"', true), '')", nil)
	if err != nil {
		return false, err
	}
	value := make([]driver.Value, 1)
	if err = rows.Next(value); errors.Is(err, io.EOF) {
		err = nil
	}
	found := fmt.Sprintf("%s", value[0])
	return found == mark, errors.Join(err, rows.Close())
}

// patienceKey is of a context: how the transaction that it begins is to be.
type patienceKey struct{}

// BeginTx begins a transaction with the patience that ctx has. ctx bounds the
// beginning, and database/sql and each statement see to it from then on; a commit
// is waited for, within the bounds that any answer has, because one that is cut
// short may have been made.
func (c *conn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	p, _ := ctx.Value(patienceKey{}).(patience)
	c.few = p.few && c.own && !c.of.shared.Load()
	words := p.words
	if c.few {
		words += generic
	}
	if _, err := c.driverConn.ExecContext(ctx, "BEGIN READ WRITE; "+words, nil); err != nil {
		if c.driverConn.IsValid() {
			_ = c.driverConn.Rollback() // where it had begun; where it had not, that ends the connection
		}
		return nil, err
	}
	return transaction{c}, nil
}

// A transaction is what its conn has begun.
type transaction struct{ *conn }

func (t transaction) Commit() error {
	t.few = false
	return t.driverConn.Commit()
}

func (t transaction) Rollback() error {
	t.few = false
	return t.driverConn.Rollback()
}

// generic has a statement planned once for whatever it is given. For few rows and
// by indexes there is one plan.
const generic = `; SET LOCAL plan_cache_mode = force_generic_plan`

// QueryContext runs a statement, prepared if it is worth it.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !c.few || len(args) == 0 {
		return c.driverConn.QueryContext(ctx, query, args)
	}
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(ctx, args)
	return rows, c.judge(err)
}

// ExecContext does the same for one that returns nothing.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !c.few || len(args) == 0 {
		return c.driverConn.ExecContext(ctx, query, args)
	}
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	result, err := s.(driver.StmtExecContext).ExecContext(ctx, args)
	return result, c.judge(err)
}

func (c *conn) statement(ctx context.Context, query string) (driver.Stmt, error) {
	if s := c.prepared[query]; s != nil {
		return s, nil
	}
	s, err := c.PrepareContext(ctx, query)
	if err == nil {
		c.prepared[query] = s
	}
	return s, c.judge(err)
}

// errSpoilt is of a statement that was prepared and can't be used any more: the
// columns that it returns have changed since, or its name is not ours alone. The
// transaction is run again, on another connection.
var errSpoilt = errors.New("a prepared statement is out of date")

func (c *conn) judge(err error) error {
	switch code(err) {
	case "0A000": // so it says only before it has done anything
	case "26000", "42P05":
		c.of.shared.Store(true)
	default:
		return err
	}
	c.spoilt = true
	return fmt.Errorf("%w: %w", errSpoilt, err)
}

// ResetSession says whether the connection may be used once more.
func (c *conn) ResetSession(ctx context.Context) error {
	if c.spoilt {
		return driver.ErrBadConn
	}
	return c.driverConn.ResetSession(ctx)
}

// IsValid says whether it may be kept.
func (c *conn) IsValid() bool { return !c.spoilt && c.driverConn.IsValid() }
