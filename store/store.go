// Package store keeps everything that must outlive the process: events,
// registrations, notices and what came of them, in the Postgres schema
// `convened`. It is the only package that knows SQL, and knows nothing of mail.
//
// # What moves a notice
//
// Each step is one statement in a file of its own under sql/, and each leaves
// the rows in a state from which the next daemon can go on:
//
//	plan     plan_confirmations, plan_occasion, plan_change …   rows appear, planned
//	claim    claim             planned → claimed    attempt + 1, a lease of a minute
//	mark     mark              claimed, marked_at   the letter is rendered and still true; the lease covers the final reply
//	settle   settle_sent       claimed → sent; settle: refused, unknown, cancelled, or planned again
//	expire   expire            a lease ran out: not marked → planned; marked → unknown
//	resolve  resolve_doubt     unknown → planned, a bounded number of times, then held
//
// In a burst the first three are one: next_seats says whose letters are next, and
// plan_occasion is told which are ready. Their rows appear claimed and marked: see
// ahead.go and docs/decisions/0013 and 0014.
//
// # Its invariants
//
// A notice is unique by registration, kind and occasion: the index
// notices_once is the promise that nobody is written to twice, and planning
// twice changes nothing. One hand at a time: whoever claims has the only valid
// attempt number, and all but evidence of a delivery is fenced by it and by who
// claimed. No
// transaction is ever open across SMTP. Leases and heartbeats go by the
// database's clock, which all daemons share; everything else is written from
// the instant that the caller passes in.
//
// A claim is not on disk before its mark is, which waits for both. So a crash of the
// server between the two may take a claim back, and its attempt number is then given
// out a second time. Three things keep that from being two letters. Whoever else has
// the number bears another daemon's id, and marks, all outcomes but `sent`, and what
// is given back are fenced by both. To the same daemon it is the claim that it has in
// hand: Claim does not return it again. And no claim is marked twice. From the mark on
// nothing can take the number back. See docs/decisions/0011.
//
// # Crashes
//
// A process may be killed at any instant. What is known then, and what follows:
//
//	claimed, not marked       it has not left      back as soon as the session's lock is free, or the lease has ended
//	marked, no dot noted      it has not left      back at once, if a journal (package journal) proves it
//	marked, dot and reply     the reply is known   settled; `sent` is taken from any attempt
//	marked, dot, no reply     see below
//	settled                   nothing              reading the journal again changes nothing
//
// The fourth is the one in which only the mail server knows (RFC 1047), and each
// connection has at most one letter in it. If the next process inherits the
// connection, the reply is still unread on it, or will come: Listen keeps the
// letter claimed until it is heard, and no letter goes twice. Otherwise the letter
// is unknown, and goes out again under the same Message-ID a bounded number of
// times: at most one letter for each connection of who was killed goes twice.
// Without a journal all marked letters wait until their lease has ended, and are
// unknown then. The whole argument is in docs/decisions/0004 and 0007.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lib/pq"

	"convened"
)

// A Store is a pool of connections to one database. It is safe for concurrent use.
type Store struct {
	db     *sql.DB
	long   *Store // the same database, for statements over tables of others that take long; nil in itself
	direct string // connection string past a pooler: for LISTEN and the session lock
	log    *slog.Logger

	connections     int
	fuse            int
	quarantineAfter time.Duration

	self atomic.Pointer[self] // nil before Register
	took atomic.Int64         // how many the last claim took: the next takes about as many

	mu     sync.Mutex
	events map[eventKey]*convened.Event // each revision of an event never changes
	unsure []Attempt                    // claims that may have been made: see Claim
	steps  []Attempt                    // and those that PlanAhead may have made: see returnUnsure
	doubts int                          // how often PlanAhead has failed
	inHand map[Attempt]bool             // claims that are neither settled nor given back
}

type eventKey struct {
	slug     string
	revision int
}

// Options say which database and how.
type Options struct {
	URL         string // postgres://…, sslmode written out
	DirectURL   string // past PgBouncer; "" is URL
	Connections int    // of the pool; 0 is 8
	Logger      *slog.Logger

	// Fuse is how many confirmations of one event are let through within an
	// hour; what is more is held. 0 is no bound.
	Fuse int
	// QuarantineAfter is for how long no daemon may have been there before
	// nothing is sent until somebody says so. 0 is for ever.
	QuarantineAfter time.Duration
}

// Errors that callers tell apart. There is convened.ErrBusy too.
var (
	ErrNotFound    = errors.New("not found")
	ErrSchema      = errors.New("the schema does not fit this program")
	ErrReadOnly    = errors.New("the database is read-only")
	ErrUnavailable = errors.New("the database can't be reached")
	ErrFull        = errors.New("the database's disk is full")
	ErrLogin       = errors.New("the database refuses our login")
	ErrNoDatabase  = errors.New("the server has no such database")
	ErrSlow        = errors.New("the database is too slow, or somebody holds what we need")
)

// InShort says in a few words what is wrong with the database, for a line of
// status; the error itself belongs into the log.
func InShort(err error) string {
	for _, known := range []error{ErrFull, ErrReadOnly, ErrLogin, ErrNoDatabase, ErrUnavailable, ErrSlow, ErrSchema} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if errors.Is(err, convened.ErrBusy) {
		return "somebody else holds rows that we need in the database"
	}
	return "the database does not do what is asked"
}

// Open prepares a pool; it does not connect. Its error means that the URL is
// no good, not that the database is down.
func Open(o Options) (*Store, error) {
	if o.DirectURL == "" {
		o.DirectURL = o.URL
	}
	if o.Connections == 0 {
		o.Connections = 8
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	main, err := connectionString(o.URL)
	if err != nil {
		return nil, err
	}
	direct, err := connectionString(o.DirectURL)
	if err != nil {
		return nil, err
	}
	pool := func(connections int, silence time.Duration, shared bool) (*sql.DB, error) {
		config, err := pq.NewConfig(main)
		if err != nil {
			return nil, fmt.Errorf("read database.url: %w", err)
		}
		c := &connector{config: config, dialer: dialer{silence}}
		c.shared.Store(shared)
		db := sql.OpenDB(c)
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections)
		db.SetConnMaxIdleTime(5 * time.Minute)
		return db, nil
	}
	db, err := pool(o.Connections, silence, main != direct)
	if err != nil {
		return nil, err
	}
	long, err := pool(longConnections, longSilence, true)
	if err != nil {
		return nil, err
	}
	return &Store{db: db, long: &Store{db: long, direct: direct, log: o.Logger, events: map[eventKey]*convened.Event{}}, direct: direct, log: o.Logger, connections: o.Connections,
		fuse: o.Fuse, quarantineAfter: o.QuarantineAfter, events: map[eventKey]*convened.Event{}, inHand: map[Attempt]bool{}}, nil
}

// Close closes the pool. What runs in it is waited for.
func (s *Store) Close() error { return errors.Join(s.db.Close(), s.long.db.Close()) }

// longConnections is how many statements over tables of others, or over all that there is
// of an event, run at a time.
const longConnections = 2

// connectionString adds to a URL what the program relies on: a bounded wait for
// a connection, one round trip for each ad hoc statement (which also makes it
// work through PgBouncer in transaction mode), and a name in pg_stat_activity.
func connectionString(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		// The error of url.Parse repeats the URL, and the URL may hold a password.
		return "", fmt.Errorf("database.url is not a URL such as postgres://convened@/convened?host=/run/postgresql")
	}
	q := u.Query()
	for k, v := range map[string]string{
		"connect_timeout": "5", "binary_parameters": "yes", "application_name": "convened",
		// One way of writing and reading times, whatever the server's default is.
		"timezone": "UTC", "datestyle": "ISO, MDY",
	} {
		if q.Get(k) == "" {
			q.Set(k, v)
		}
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// A transaction's first words: what a statement may take and wait, whatever the
// role or the pooler has set. Serializable as a default would fail what is
// made to wait for each other by row locks. Read-only as a default is somebody's
// wish, and holds, although the driver begins each transaction as one that writes.
const beginWords = `SET TRANSACTION ISOLATION LEVEL %s;
SET LOCAL statement_timeout = '5s'; SET LOCAL lock_timeout = '%s'; SET LOCAL idle_in_transaction_session_timeout = '30s';
SELECT set_config('transaction_read_only', 'on', true) WHERE current_setting('default_transaction_read_only')::boolean`

// A patience is how long a transaction waits for who holds a lock that it needs,
// and how often.
type patience struct {
	words string // of a transaction's beginning
	waits int
	few   bool // it is of few rows, so that its statements are prepared where they can be
}

// fewRows is how many rows are few: planning a statement for them takes longer than
// the statement itself.
const fewRows = 16

// of returns the patience for so many rows.
func (p patience) of(rows int) patience {
	p.few = rows <= fewRows
	return p
}

// byID returns the patience for a statement that looks each row up by its id: it has
// one plan, however many rows it is for.
func (p patience) byID() patience {
	p.few = true
	return p
}

// The compiler takes seconds for what is believed to be dear, as a scan is that
// is forbidden, and none of these statements is worth one.
const (
	interpreted = `; SET LOCAL jit = off`
	indexed     = `; SET LOCAL enable_seqscan = off` + interpreted
)

// How patient transactions are. Somebody at a terminal would rather wait than
// type again. A step of the tick comes again with the next one, and meanwhile
// holds up all that has nothing to do with the row that somebody sits on; what is
// planned event by event waits for a moment only, since each event may have
// somebody who sits on it.
var (
	patient = patience{words: fmt.Sprintf(beginWords, "READ COMMITTED", "2s"), waits: 3}
	brisk   = patience{words: fmt.Sprintf(beginWords, "READ COMMITTED", "2s"), waits: 1}
	hasty   = patience{words: fmt.Sprintf(beginWords, "READ COMMITTED", "500ms"), waits: 1}
	// What a burst is made of. A table that was empty when the server last counted
	// it, as after a restore, would be read from end to end for each row of a step,
	// so indexes are used whatever it believes. Planning and claiming don't wait for
	// the disk: a mark takes along whatever was written before it, and what a crash of
	// the server takes back before that is planned and claimed again: see the package's
	// comment. Where the server confirms commits before they are on disk, a mark must
	// still be there after a failover.
	planning = patience{words: hasty.words + indexed + `; SET LOCAL synchronous_commit = off`, waits: 1}
	claiming = patience{words: brisk.words + indexed + `; SET LOCAL synchronous_commit = off`, waits: 1}
	settling = patience{words: brisk.words + indexed, waits: 1}
	marking  = patience{words: hasty.words + indexed + `; SET LOCAL synchronous_commit = on`, waits: 1}
	// asking is for what a hint asks first.
	asking = patience{words: brisk.words + indexed, waits: 1, few: true}
	// counting is for what years of rows may lie behind: a list, or the erasure of
	// what is kept for too long, must not read them from end to end.
	counting = patience{words: patient.words + indexed, waits: 3}
	// still is for what is read in several statements that must fit together.
	still = patience{words: fmt.Sprintf(beginWords, "REPEATABLE READ READ ONLY", "2s") + interpreted, waits: 3}
	// lengthy is the same for all that there is of an event: of a million people that
	// takes longer than any statement of a tick may.
	lengthy = patience{words: still.words + `; SET LOCAL statement_timeout = '25s'`, waits: 3}
)

// attempts at a transaction that lost against another: bounded, with jitter.
const txTries = 6

// tx runs f in a transaction and commits. A transaction that lost against
// another (40001, 40P01) or waited for a lock in vain (55P03) runs again, a
// bounded number of times; f must therefore not keep anything from a run that
// failed.
func (s *Store) tx(ctx context.Context, what string, f func(*sql.Tx) error) error {
	return s.txWith(ctx, patient, what, f)
}

func (s *Store) txWith(ctx context.Context, p patience, what string, f func(*sql.Tx) error) error {
	waits := 0
	for try := 1; ; try++ {
		err := s.txOnce(ctx, p, f)
		if err == nil {
			return nil
		}
		switch {
		case code(err) == "55P03":
			waits++
		case code(err) == "25006" || errors.Is(err, ErrReadOnly):
			// A session keeps the default of when it began, and the host that it
			// began with. The next ones ask anew.
			s.db.SetMaxIdleConns(0)
			s.db.SetMaxIdleConns(s.connections)
		}
		if !lost(err) || try == txTries || waits == p.waits || ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, classify(err))
		}
		wait := time.Duration(rand.Int64N(int64(10*time.Millisecond) << try))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

func (s *Store) txOnce(ctx context.Context, p patience, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(context.WithValue(ctx, patienceKey{}, p), nil)
	if code(err) == "0A000" { // a stand-by: the driver asks for a transaction that writes
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// code is the SQLSTATE of an error, or "".
func code(err error) string {
	var e *pq.Error
	if errors.As(err, &e) {
		return string(e.Code)
	}
	return ""
}

// violated is the name of the unique index for which a row was there already, or "".
func violated(err error) string {
	var e *pq.Error
	if errors.As(err, &e) && e.Code == "23505" {
		return e.Constraint
	}
	return ""
}

// lost reports whether a transaction failed for a reason that running it again mends.
func lost(err error) bool {
	c := code(err)
	return c == "40001" || c == "40P01" || c == "55P03" || errors.Is(err, errSpoilt)
}

// classify wraps an error of the driver in the one of ours that says what to do.
func classify(err error) error {
	c := code(err)
	var kind error
	switch {
	case c == "25006":
		kind = ErrReadOnly
	case c == "42P01" || c == "3F000" || c == "42703":
		return fmt.Errorf("%w: %w; run `convened migrate`", ErrSchema, err)
	case c == "53100":
		kind = ErrFull
	case c == "55P03":
		kind = convened.ErrBusy
	case c == "57014":
		kind = ErrSlow
	case strings.HasPrefix(c, "28"):
		kind = ErrLogin
	case c == "3D000":
		kind = ErrNoDatabase
	case strings.HasPrefix(c, "08") || strings.HasPrefix(c, "57P") || c == "53300":
		kind = ErrUnavailable
	case c == "" && unreachable(err):
		kind = ErrUnavailable
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	default:
		return err
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// unreachable reports whether nobody answered at all, or not to the end.
func unreachable(err error) bool {
	var broken net.Error
	return errors.As(err, &broken) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn)
}

// ServerTime returns the database's clock.
func (s *Store) ServerTime(ctx context.Context) (time.Time, error) {
	var t time.Time
	err := s.tx(ctx, "read the database's clock", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, stmt("server_time")).Scan(&t)
	})
	return t, err
}
