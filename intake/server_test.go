package intake

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"convened/store"
)

// A client speaks LMTP, a line at a time.
type client struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

// serve starts an intake on a port of its own. It has stopped when the test ends.
func serve(t testing.TB, in *Intake) (address string, stop func()) {
	t.Helper()
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- in.Serve(ctx, l) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

func dial(t testing.TB, network, address string) *client {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return &client{t, c, bufio.NewReader(c)}
}

// reply reads one reply and returns its last line.
func (c *client) reply() string {
	c.t.Helper()
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatalf("read a reply: %v", err)
		}
		if len(line) > 3 && line[3] == ' ' {
			return strings.TrimRight(line, "\r\n")
		}
	}
}

// says sends a line and wants a reply that begins so.
func (c *client) says(line, want string) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c, "%s\r\n", line); err != nil {
		c.t.Fatal(err)
	}
	c.hears(want)
}

func (c *client) hears(want string) {
	c.t.Helper()
	if got := c.reply(); !strings.HasPrefix(got, want) {
		c.t.Errorf("got %q, want %s…", got, want)
	}
}

// greeted opens a dialogue.
func greeted(t testing.TB, network, address string) *client {
	t.Helper()
	c := dial(t, network, address)
	c.hears("220 ")
	c.says("LHLO mx.example.org", "250 ")
	return c
}

// mail sends the content of a mail and its end.
func (c *client) mail(data []byte) {
	c.t.Helper()
	c.says("DATA", "354 ")
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, ".") {
			line = "." + line
		}
		if _, err := c.Write([]byte(line)); err != nil {
			c.t.Fatal(err)
		}
	}
	if _, err := c.Write([]byte(".\r\n")); err != nil {
		c.t.Fatal(err)
	}
}

func TestAMailIsAcceptedWhenItIsWrittenDown(t *testing.T) {
	f := &fakeStore{address: ana}
	in, _ := newIntake(t, f)
	address, _ := serve(t, in)
	c := greeted(t, "tcp", address)
	c.says("MAIL FROM:<> SIZE=4000 BODY=8BITMIME SMTPUTF8", "250 2.0.0")
	c.says("RCPT TO:<Bounce+4711.0DA8529778E741EF0A9B@BOUNCES.example.org>", "250 2.0.0")
	c.mail(sample(t, "postfix-unknown-user"))
	c.hears("250 2.0.0")
	if len(f.returns()) != 1 {
		t.Errorf("%d returns", len(f.returns()))
	}
	// The same connection takes the next one, and one that is dropped is taken too.
	c.says("MAIL FROM:<ana@example.net>", "250 ")
	c.says("RCPT TO:<replies@bounces.example.org>", "250 ")
	c.mail(sample(t, "message"))
	c.hears("250 2.0.0")
	c.says("QUIT", "221 ")
	if len(f.returns()) != 1 || len(f.counted) != 1 {
		t.Errorf("%d returns, counted as %q", len(f.returns()), f.counted)
	}
}

func TestWhoIsNotOursIsRefusedAndTheOthersAreServed(t *testing.T) {
	f := &fakeStore{address: ana}
	in, _ := newIntake(t, f)
	address, _ := serve(t, in)
	c := greeted(t, "tcp", address)
	c.says("MAIL FROM:<ana@example.net>", "250 ")
	for _, to := range []string{"someone@bounces.example.org", "bounce+4711.00000000000000000000@bounces.example.org", "ana@example.net"} {
		c.says("RCPT TO:<"+to+">", "550 5.1.1")
	}
	c.says("DATA", "502 ")
	c.says("RCPT TO:<events@example.org>", "250 ")
	c.says("RCPT TO:<organiser@example.org>", "250 ")
	c.mail(sample(t, "answer-google"))
	c.hears("250 2.0.0 <events@example.org>")
	c.hears("250 2.0.0 <organiser@example.org>")
	if n := len(f.returns()); n != 2 {
		t.Errorf("%d returns, want one for each recipient: the database makes them one", n)
	}
}

// Postfix keeps what it can't deliver now, and loses what is refused.
func TestWhileTheDatabaseIsAwayMailIsPutOff(t *testing.T) {
	away, err := store.Open(store.Options{URL: "postgres://convened@127.0.0.1:1/convened?sslmode=disable"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = away.Close() })
	in, err := New(Options{Store: away, Paths: composer(t), Domain: "bounces.example.org", Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	address, _ := serve(t, in)
	c := greeted(t, "tcp", address)
	c.says("MAIL FROM:<>", "250 ")
	c.says("RCPT TO:<organiser@example.org>", "451 4.3.0")
	c.says("RCPT TO:<"+verp+">", "250 ")
	c.says("RCPT TO:<replies@bounces.example.org>", "250 ")
	for _, name := range []string{"postfix-unknown-user", "answer-google", "message"} {
		c.mail(sample(t, name))
		c.hears("451 4.3.0")
		c.hears("451 4.3.0")
		c.says("MAIL FROM:<>", "250 ")
		c.says("RCPT TO:<"+verp+">", "250 ")
		c.says("RCPT TO:<replies@bounces.example.org>", "250 ")
	}
}

func TestEachRecipientIsToldItsOwn(t *testing.T) {
	f := &fakeStore{address: ana}
	in, _ := newIntake(t, f)
	address, _ := serve(t, in)
	c := greeted(t, "tcp", address)
	c.says("MAIL FROM:<>", "250 ")
	c.says("RCPT TO:<"+verp+">", "250 ")
	c.says("RCPT TO:<"+replies+">", "250 ")
	c.says("RCPT TO:<"+verp+">", "250 ")
	c.mail(sample(t, "qmail-unknown-user")) // in words: it counts at the return path alone
	for _, to := range []string{verp, replies, verp} {
		c.hears("250 2.0.0 <" + to + ">")
	}
	if len(f.returns()) != 2 || len(f.counted) != 1 {
		t.Errorf("%d returns, counted as %q", len(f.returns()), f.counted)
	}
}

func TestALargeMailIsReadAsFarAsItMatters(t *testing.T) {
	f := &fakeStore{address: ana}
	in, _ := newIntake(t, f)
	address, _ := serve(t, in)
	c := greeted(t, "tcp", address)
	c.says("MAIL FROM:<> SIZE=100000000", "552 5.3.4")
	c.says("MAIL FROM:<>", "250 ")
	c.says("RCPT TO:<"+verp+">", "250 ")
	c.mail(append(sample(t, "postfix-unknown-user"), []byte(strings.Repeat(strings.Repeat("x", 2000)+"\r\n", 2000))...))
	c.hears("250 2.0.0")
	if r := f.returns(); len(r) != 1 || r[0].Effect != marked {
		t.Errorf("got %+v", r)
	}
}

func TestWhatIsNoMailAtAllIsTakenAndCounted(t *testing.T) {
	f := &fakeStore{address: ana}
	in, _ := newIntake(t, f)
	address, _ := serve(t, in)
	c := greeted(t, "tcp", address)
	for _, text := range []string{"", "\r\n", "\x00\xff\r\n", ": :\r\n", "Content-Type: multipart/mixed\r\n\r\n--\r\n"} {
		c.says("MAIL FROM:<>", "250 ")
		c.says("RCPT TO:<"+verp+">", "250 ")
		c.mail([]byte(text))
		c.hears("250 2.0.0")
	}
	if len(f.counted) != 5 {
		t.Errorf("counted as %q", f.counted)
	}
}

func TestAMailInPiecesIsTaken(t *testing.T) {
	f := &fakeStore{address: ana}
	in, _ := newIntake(t, f)
	address, _ := serve(t, in)
	c := greeted(t, "tcp", address)
	c.says("MAIL FROM:<>", "250 ")
	c.says("RCPT TO:<"+verp+">", "250 ")
	data := sample(t, "postfix-unknown-user")
	half := len(data) / 2
	c.says(fmt.Sprintf("BDAT %d\r\n%s", half, data[:half-2]), "250 ") // says adds the last two
	c.says(fmt.Sprintf("BDAT %d LAST\r\n%s", len(data)-half, data[half:len(data)-2]), "250 2.0.0")
	if r := f.returns(); len(r) != 1 || r[0].Effect != marked {
		t.Errorf("got %+v", r)
	}
}

func TestASilentClientIsSentAway(t *testing.T) {
	f := &fakeStore{address: ana}
	in, _ := newIntake(t, f)
	in.idle = time.Second
	address, _ := serve(t, in)
	c := dial(t, "tcp", address)
	c.hears("220 ")
	c.hears("421 ")
	// And one that falls silent in a mail: it has no reply to believe in.
	c = greeted(t, "tcp", address)
	c.says("MAIL FROM:<>", "250 ")
	c.says("RCPT TO:<"+verp+">", "250 ")
	c.says("DATA", "354 ")
	_, _ = c.Write([]byte("Subject: half of\r\n"))
	c.hears("451 4.4.2")
	if len(f.returns())+len(f.counted) != 0 {
		t.Errorf("half a mail was taken: %+v, %q", f.returned, f.counted)
	}
}

func TestMoreClientsThanThereIsRoomForWait(t *testing.T) {
	f := &fakeStore{address: ana}
	in, _ := newIntake(t, f)
	address, _ := serve(t, in)
	var inside []*client
	for range maxConnections {
		inside = append(inside, greeted(t, "tcp", address))
	}
	waiting := dial(t, "tcp", address)
	_ = waiting.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := waiting.r.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("one too many is greeted: %v", err)
	}
	inside[0].says("QUIT", "221 ")
	_ = waiting.SetReadDeadline(time.Now().Add(30 * time.Second))
	waiting.hears("220 ")
}

// A stop waits for what is being written down, so that its sender hears of it.
func TestAStopFinishesWhatIsBeingWrittenDown(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	f := &fakeStore{address: ana, hang: make(chan struct{}), entered: make(chan struct{})}
	in, _ := newIntake(t, f)
	address, stop := serve(t, in)
	idle := greeted(t, "tcp", address)
	c := greeted(t, "tcp", address)
	c.says("MAIL FROM:<>", "250 ")
	c.says("RCPT TO:<"+verp+">", "250 ")
	c.mail(sample(t, "postfix-unknown-user"))
	<-f.entered
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	// The door is closed, and the one who is inside is waited for.
	select {
	case <-stopped:
		t.Fatal("it did not wait")
	case <-time.After(50 * time.Millisecond):
	}
	close(f.hang)
	c.hears("250 2.0.0")
	<-stopped
	if _, err := idle.r.ReadByte(); err == nil {
		t.Error("a connection is still open")
	}
	if len(f.returns()) != 1 {
		t.Errorf("%d returns", len(f.returns()))
	}
	_, _ = idle.Close(), c.Close()
}

func TestASocketThatNobodyListensAtIsReplaced(t *testing.T) {
	dir, err := os.MkdirTemp("", "intake")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	_ = left.Close()
	l, err := Listen(t.Context(), "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	if second, err := Listen(t.Context(), "unix:"+path); err == nil {
		_ = second.Close()
		t.Error("a socket in use was taken away")
	}
	ctx, cancel := context.WithCancel(t.Context())
	in, _ := newIntake(t, &fakeStore{address: ana})
	done := make(chan error, 1)
	go func() { done <- in.Serve(ctx, l) }()
	greeted(t, "unix", path).says("QUIT", "221 ")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	// What is no socket is somebody's file.
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := Listen(t.Context(), "unix:"+path); err == nil {
		_ = l.Close()
		t.Error("a file was taken away")
	}
}

// Several daemons on one machine have one configuration.
func TestTheSecondIntakeTakesOverFromTheFirst(t *testing.T) {
	first, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := first.Addr().String()
	in, _ := newIntake(t, &fakeStore{address: ana})
	in.again = time.Millisecond
	waits := make(told, 1)
	in.log = slog.New(slog.NewTextHandler(waits, nil))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { in.Run(ctx, address); close(done) }()
	if said := <-waits; !strings.Contains(said, "trying again") {
		t.Errorf("it says %q", said)
	}
	_ = first.Close()
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	greeted(t, "tcp", address).says("QUIT", "221 ")
	cancel()
	<-done
}

// told is a log of which the first line is wanted.
type told chan string

func (c told) Write(b []byte) (int, error) {
	select {
	case c <- string(b):
	default:
	}
	return len(b), nil
}

func TestABounceDomainThatIsNoneIsRefused(t *testing.T) {
	if _, err := New(Options{Store: &fakeStore{}, Paths: composer(t), Domain: "not a domain"}); err == nil || !strings.Contains(err.Error(), "smtp.bounce_domain") {
		t.Errorf("got %v", err)
	}
}
