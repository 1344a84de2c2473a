package store

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// A connector makes the pool's connections.
type connector struct{ driver.Connector }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	made, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	plain, known := made.(driverConn)
	if !known {
		_ = made.Close()
		return nil, fmt.Errorf("connect: %T is not what a connection of lib/pq was", made)
	}
	return conn{plain}, nil
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

// A conn says a transaction's first words together with its BEGIN: on the way
// from a registration to its letter each round trip counts.
type conn struct{ driverConn }

// wordsKey is of a context: the first words of the transaction that it begins.
type wordsKey struct{}

// BeginTx begins a transaction with the words that ctx has. ctx bounds the
// beginning, and database/sql and each statement see to it from then on; a commit
// is waited for, within the bounds that any answer has, because one that is cut
// short may have been made.
func (c conn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	words, _ := ctx.Value(wordsKey{}).(string)
	if _, err := c.ExecContext(ctx, "BEGIN READ WRITE; "+words, nil); err != nil {
		if c.IsValid() {
			_ = c.Rollback() // where it had begun; where it had not, that ends the connection
		}
		return nil, err
	}
	return c.driverConn, nil
}
