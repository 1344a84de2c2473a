//go:build linux

package mailer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"convened"
	"convened/internal/lab"
)

// A shelf keeps copies of connections, as a service manager does.
type shelf struct {
	mu      sync.Mutex
	kept    map[string]int // copies, by name
	dropped []string
	full    bool
}

func (k *shelf) Keep(name string, c syscall.RawConn) (err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.full {
		return errors.New("full")
	}
	if k.kept == nil {
		k.kept = map[string]int{}
	}
	_ = c.Control(func(fd uintptr) { k.kept[name], err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	return err
}

func (k *shelf) Drop(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if fd, ok := k.kept[name]; ok {
		_ = unix.Close(fd)
		delete(k.kept, name)
	}
	k.dropped = append(k.dropped, name)
}

// unread returns what has arrived on the one connection that is kept.
func (k *shelf) unread(t *testing.T) string {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.kept) != 1 {
		t.Fatalf("%d connections are kept, want 1", len(k.kept))
	}
	b := make([]byte, 1000)
	for _, fd := range k.kept {
		n, _, err := unix.Recvfrom(fd, b, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		if err != nil && !errors.Is(err, unix.EAGAIN) {
			t.Fatal(err)
		}
		b = b[:max(n, 0)]
	}
	return string(b)
}

// connOf is another connection over a copy of a descriptor, as an heir has it.
func connOf(t *testing.T, fd int) net.Conn {
	t.Helper()
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(copied), "kept")
	c, err := net.FileConn(f)
	_ = f.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// witness is a journal that looks at the connection.
type witness struct {
	names []string
	after func(convened.Outcome)
}

func (w *witness) BeforeDot(_ *Letter, kept string, _ int64) error {
	w.names = append(w.names, kept)
	return nil
}

func (w *witness) AfterReply(_ *Letter, o convened.Outcome) { w.after(o) }

func TestTheReplyIsReadWhenItIsNotedAndNotBefore(t *testing.T) {
	for _, reply := range []string{"250 2.0.0 queued", "250-2.0.0 it is\r\n250 2.0.0 queued", "451 4.3.0 later"} {
		s := serve(t, &server{rules: map[string]func(int) string{"DOT": always(reply)}})
		k := &shelf{}
		w := &witness{}
		w.after = func(o convened.Outcome) {
			if got := k.unread(t); got != reply+"\r\n" {
				t.Errorf("when %s is noted, there is %q to read", o.State, got)
			}
		}
		r := s.relay(func(o *RelayOptions) { o.Journal, o.Keeper = w, k })
		for range 3 {
			o := send(t, r, letter())
			if want := map[bool]convened.State{true: convened.Sent, false: convened.Planned}[reply[0] == '2']; o.State != want || !strings.Contains(o.Reply, strings.Fields(reply)[1]) {
				t.Errorf("Send = %+v, want %s", o, want)
			}
			if got := k.unread(t); got != "" {
				t.Errorf("afterwards there is %q to read", got)
			}
		}
		if len(w.names) != 3 || !IsKept(w.names[0]) || w.names[1] != w.names[0] || strings.ContainsAny(w.names[0], ": \n") {
			t.Errorf("the journal was told of %q, want one connection", w.names)
		}
		r.Close()
		if len(k.kept) != 0 || !slices.Equal(k.dropped, w.names[:1]) {
			t.Errorf("after Close %v are kept, %q were dropped", k.kept, k.dropped)
		}
	}
}

// An end without a reply, or after half of one, is seen at once, and is unknown.
func TestAServerThatGoesOnAKeptConnectionIsNoticed(t *testing.T) {
	for _, ending := range []string{drop, cut, "250-half and drop", "250 ok and drop"} {
		s := serve(t, &server{rules: map[string]func(int) string{"DOT": once(1, ending)}})
		k := &shelf{}
		r := s.relay(func(o *RelayOptions) { o.Keeper = k })
		if o := send(t, r, letter()); o.State != convened.Unknown || o.Cause != convened.CauseDoubt {
			t.Errorf("%s: Send = %+v, want unknown", ending, o)
		}
		if len(k.kept) != 0 || len(k.dropped) != 1 {
			t.Errorf("%s: %v are kept", ending, k.kept)
		}
		if o := send(t, r, letter()); o.State != convened.Sent {
			t.Errorf("%s: the next Send = %+v", ending, o)
		}
		r.Close()
	}
}

func TestWhatIsEncryptedIsNotKept(t *testing.T) {
	ca := newAuthority(t)
	for _, mode := range []string{"starttls", "tls"} {
		s := serve(t, &server{tls: ca.server(t, nil), implicit: mode == "tls"})
		k := &shelf{}
		w := &witness{after: func(convened.Outcome) {}}
		r := s.relay(func(o *RelayOptions) { o.TLS, o.RootCAs, o.Keeper, o.Journal = mode, ca.pool, k, w })
		if o := send(t, r, letter()); o.State != convened.Sent {
			t.Errorf("Send = %+v", o)
		}
		if r.Close(); len(k.kept)+len(k.dropped) != 0 || !slices.Equal(w.names, []string{""}) {
			t.Errorf("%s: kept %v, dropped %q, noted %q", mode, k.kept, k.dropped, w.names)
		}
	}
}

func TestWhatCanNotBeKeptIsUsedAllTheSame(t *testing.T) {
	s := serve(t, &server{})
	w := &witness{after: func(convened.Outcome) {}}
	r := s.relay(func(o *RelayOptions) { o.Keeper, o.Journal = &shelf{full: true}, w })
	if o := send(t, r, letter()); o.State != convened.Sent || !slices.Equal(w.names, []string{""}) {
		t.Errorf("Send = %+v, noted %q", o, w.names)
	}
}

// pair returns the two ends of a connection to this machine.
func pair(t *testing.T, network string) (client, server net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial(network, ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// What may have happened to a letter whose sender died after its dot was noted.
func TestLastWordLearnsWhatTheServerSays(t *testing.T) {
	say := func(words ...string) func(net.Conn) {
		return func(c net.Conn) {
			for _, w := range words {
				_, _ = io.WriteString(c, w)
			}
		}
	}
	// afterDot waits for the dot that LastWord sends, as a server does that never saw one.
	afterDot := func(next func(net.Conn)) func(net.Conn) {
		return func(c net.Conn) {
			b := make([]byte, len(finalDot))
			if _, err := io.ReadFull(c, b); err == nil && string(b) == finalDot {
				next(c)
			}
		}
	}
	away := func(c net.Conn) { _ = c.Close() }
	both := func(a, b func(net.Conn)) func(net.Conn) { return func(c net.Conn) { a(c); b(c) } }
	for _, tt := range []struct {
		name   string
		server func(net.Conn)
		again  bool
		want   string
		unread string // what is still there afterwards, at least
	}{
		{"the dot was never written", afterDot(say("250 2.0.0 ok\r\n")), true, "sent 250", "250 2.0.0 ok\r\n"},
		{"the dot was written and answered", say("250 ok\r\n"), true, "sent 250", "250 ok\r\n"},
		{"answered, and the second dot too", both(say("250 ok\r\n"), afterDot(say("500 what?\r\n"))), true, "sent 250", "250 ok\r\n"},
		{"answered in pieces", say("250-one\r", "\n250-", "two\r\n250 three\r\n"), true, "sent 250", "250-one\r\n250-two\r\n250 three\r\n"},
		{"refused", say("554 5.7.1 no\r\n"), true, "refused 554", "554 5.7.1 no\r\n"},
		{"refused for now", say("451 4.3.0 later\r\n"), true, "planned 451", "451 4.3.0 later\r\n"},
		{"it gave up waiting for the dot", both(say("421 4.4.2 timeout\r\n"), away), false, "planned 421", "421 4.4.2 timeout\r\n"},
		{"answered and gone", both(say("250 ok\r\n"), away), false, "sent 250", "250 ok\r\n"},
		{"gone without a word", away, true, "unknown 0", ""},
		{"gone in the middle of a word", both(say("250-half"), away), true, "unknown 0", ""},
		{"not SMTP", say("HTTP/1.1 400 Bad Request\r\n"), true, "unknown 0", ""},
	} {
		for _, network := range []string{"tcp", "unix"} {
			t.Run(tt.name+" "+network, func(t *testing.T) {
				t.Parallel()
				client, server := pair(t, network)
				go tt.server(server)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				o, err := LastWord(ctx, client, 0, tt.again)
				if got := fmt.Sprintf("%s %d", o.State, o.Code); got != tt.want || err != nil {
					t.Errorf("it is %s (%q, %s), %v; want %s", got, o.Reply, o.Cause, err, tt.want)
				}
				if tt.unread == "" {
					return
				}
				// Whoever dies now leaves it to the next.
				b := make([]byte, len(tt.unread))
				if _, err := io.ReadFull(client, b); err != nil || string(b) != tt.unread {
					t.Errorf("then there is %q to read, %v; want %q", b, err, tt.unread)
				}
			})
		}
	}
}

// Without again nothing is sent: a letter that never got its dot must not get it.
func TestLastWordOnlyListensWhereItIsTooLateForADot(t *testing.T) {
	client, server := pair(t, "tcp")
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan error, 1)
	go func() {
		_, err := LastWord(ctx, client, 0, false)
		heard <- err
	}()
	cancel()
	if err := <-heard; !errors.Is(err, context.Canceled) {
		t.Errorf("LastWord: %v", err)
	}
	CloseInherited(client)
	if b, err := io.ReadAll(server); len(b) != 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server read %q, %v; want a reset", b, err)
	}
}

// A reply that does not fit into a socket's buffer would never come to its end.
func TestAReplyWithoutEndIsNone(t *testing.T) {
	client, server := pair(t, "tcp")
	go func() {
		for _, err := io.WriteString(server, "250-x\r\n"); err == nil; {
			_, err = io.WriteString(server, "250-"+strings.Repeat("x", 1000)+"\r\n")
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if o, err := LastWord(ctx, client, 0, false); o.State != convened.Unknown || err != nil {
		t.Errorf("it is %+v, %v", o, err)
	}
}

// BenchmarkSend is one letter over a connection that is there, kept and not.
func BenchmarkSend(b *testing.B) {
	srv, err := lab.StartSMTP(lab.SMTPOptions{Discard: true, Keep: lab.KeepNothing})
	if err != nil {
		b.Fatal(err)
	}
	defer srv.Close()
	for _, name := range []string{"ordinary", "kept"} {
		b.Run(name, func(b *testing.B) {
			o := RelayOptions{Host: "127.0.0.1", Port: srv.Port(), TLS: "none", Now: time.Now}
			if name == "kept" {
				o.Keeper = &shelf{}
			}
			r, err := NewRelay(o)
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			l := letter()
			b.ReportAllocs()
			for b.Loop() {
				if o := r.Send(b.Context(), l); o.State != convened.Sent {
					b.Fatalf("Send = %+v", o)
				}
			}
		})
	}
}
