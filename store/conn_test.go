package store

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"convened"
	"convened/internal/lab/labtest"
)

// preparedOf counts what the session of the pool's last connection has prepared.
func preparedOf(t *testing.T, s *Store) int {
	t.Helper()
	return sqlOne[int](t, s, `SELECT count(*) FROM pg_prepared_statements`)
}

// oneConnection makes every statement go over the same connection.
func oneConnection(s *Store) *Store {
	s.db.SetMaxOpenConns(1)
	return s
}

// serve takes one registration from its insert to a settled row.
func serve(t *testing.T, s *Store, email string) {
	t.Helper()
	register(t, s, "w", email)
	if done := planAll(t, s, early); done.Seats != 1 {
		t.Fatalf("%s: %d seats were planned, want 1", email, done.Seats)
	}
	list := claim(t, s, early)
	if len(list) != 1 || list[0].Registration.Email != email || list[0].Event.Slug != "w" || list[0].Notice.Attempt != 1 {
		t.Fatalf("%s: %d letters are claimed, want one for this address: %+v", email, len(list), list)
	}
	if n := mark(t, s, list...); n != 1 {
		t.Fatalf("%s: %d letters are marked, want 1", email, n)
	}
	if !settle(t, s, list[0], convened.Sent, early) {
		t.Fatalf("%s: it was not settled", email)
	}
}

func TestStatementsForFewRowsArePreparedOnceInASessionOfOurOwn(t *testing.T) {
	t.Parallel()
	s := oneConnection(open(t))
	apply(t, s, webinar("w"), early)
	serve(t, s, "a@example.org")
	first := preparedOf(t, s)
	if first == 0 {
		t.Error("nothing was prepared")
	}
	serve(t, s, "b@example.org")
	serve(t, s, "c@example.org")
	if n := preparedOf(t, s); n != first {
		t.Errorf("after the third letter %d statements are prepared, after the first %d", n, first)
	}
}

func TestStatementsForManyRowsArePlannedForThem(t *testing.T) {
	t.Parallel()
	s := oneConnection(open(t))
	apply(t, s, webinar("w"), early)
	for i := range fewRows + 1 {
		register(t, s, "w", string(rune('a'+i))+"@example.org")
	}
	if _, err := s.Newcomers(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := preparedOf(t, s)
	planAll(t, s, early)
	if n := preparedOf(t, s); n != before {
		t.Errorf("planning %d newcomers prepared %d statements", fewRows+1, n-before)
	}
}

func TestAPreparedStatementWhoseColumnsChangedIsPreparedAnew(t *testing.T) {
	t.Parallel()
	s := oneConnection(open(t))
	apply(t, s, webinar("w"), early)
	serve(t, s, "a@example.org")
	session := sqlOne[int](t, s, `SELECT pg_backend_pid()`)
	sqlExec(t, s, `ALTER TABLE convened.events ALTER COLUMN revision TYPE bigint`) // which claims return
	serve(t, s, "b@example.org")
	if sqlOne[int](t, s, `SELECT pg_backend_pid()`) == session {
		t.Error("the session whose statements are out of date is still used")
	}
}

func TestNothingIsPreparedBehindADirectURL(t *testing.T) {
	t.Parallel()
	at := labtest.Database(t)
	s, err := Open(Options{URL: at, DirectURL: at + "&application_name=past"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	apply(t, oneConnection(s), webinar("w"), early)
	serve(t, s, "a@example.org")
	if n := preparedOf(t, s); n != 0 {
		t.Errorf("%d statements are prepared", n)
	}
}

// PgBouncer refuses a parameter that it does not know, or is told to swallow it.
func TestNothingIsPreparedInASessionThatIsNotProvedToBeOurs(t *testing.T) {
	t.Parallel()
	for name, refuses := range map[string]bool{"refused": true, "swallowed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := oneConnection(openURL(t, pooler(t, labtest.Database(t), refuses)))
			apply(t, s, webinar("w"), early)
			serve(t, s, "a@example.org")
			if n := preparedOf(t, s); n != 0 {
				t.Errorf("%d statements are prepared", n)
			}
		})
	}
}

func TestWhoseStatementsAreDiscardedPreparesNoMore(t *testing.T) {
	t.Parallel()
	s := oneConnection(open(t))
	apply(t, s, webinar("w"), early)
	serve(t, s, "a@example.org")
	sqlExec(t, s, `DEALLOCATE ALL`)
	serve(t, s, "b@example.org")
	if n := preparedOf(t, s); n != 0 {
		t.Errorf("%d statements are prepared", n)
	}
}

// pooler stands before a server as PgBouncer does, and returns the URL of its door.
func pooler(t *testing.T, to string, refuses bool) string {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	network, server := "unix", filepath.Join(q.Get("host"), ".s.PGSQL."+q.Get("port"))
	if u.Host != "" {
		network, server = "tcp", u.Host
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go pool(c, network, server, refuses)
		}
	}()
	q.Del("host")
	q.Del("port")
	u.Host, u.RawQuery = l.Addr().String(), q.Encode()
	return u.String()
}

func pool(c net.Conn, network, server string, refuses bool) {
	defer func() { _ = c.Close() }()
	head := make([]byte, 4)
	if _, err := io.ReadFull(c, head); err != nil {
		return
	}
	body := make([]byte, binary.BigEndian.Uint32(head)-4)
	if _, err := io.ReadFull(c, body); err != nil {
		return
	}
	before, after, marked := bytes.Cut(body, []byte(proof+"\x00"))
	if marked && refuses {
		says := "SFATAL\x00VFATAL\x00C08P01\x00Munsupported startup parameter: " + proof + "\x00\x00"
		_, _ = c.Write(append(binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(says)+4)), says...))
		return
	}
	if marked {
		_, after, _ = bytes.Cut(after, []byte{0})
		body = append(bytes.Clone(before), after...)
	}
	up, err := net.DialTimeout(network, server, 5*time.Second)
	if err != nil {
		return
	}
	defer func() { _ = up.Close() }()
	if _, err := up.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), body...)); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(up, c)
		_ = up.Close()
	}()
	_, _ = io.Copy(c, up)
}
