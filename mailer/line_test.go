//go:build linux

package mailer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"convened"
)

// A plain server speaks SMTP on one connection after another, one letter at a
// time. dot is called when the final dot of the n-th letter has come, with what
// has come behind it.
type plain struct {
	ln      net.Listener
	dot     func(n int, r *bufio.Reader) (reply string)
	mu      sync.Mutex
	goes    map[string]bool // recipients at whom it closes the connection once, instead of an answer to RCPT
	letters []string        // by recipient
	conns   int
}

func servePlain(t *testing.T, dot func(n int, r *bufio.Reader) string) *plain {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &plain{ln: ln, dot: dot}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns++
			s.mu.Unlock()
			wg.Go(func() { defer c.Close(); s.talk(c) })
		}
	})
	t.Cleanup(func() { ln.Close(); wg.Wait() })
	return s
}

func (s *plain) talk(c net.Conn) {
	r := bufio.NewReaderSize(c, 1<<16)
	fmt.Fprint(c, "220 plain\r\n")
	to := ""
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch {
		case strings.HasPrefix(line, "EHLO"):
			fmt.Fprint(c, "250-plain\r\n250-SIZE 1000000\r\n250 PIPELINING\r\n")
		case strings.HasPrefix(line, "RCPT TO:"):
			to = strings.Trim(strings.TrimPrefix(line, "RCPT TO:"), "<>\r\n")
			s.mu.Lock()
			goes := s.goes[to]
			delete(s.goes, to)
			s.mu.Unlock()
			if goes {
				return
			}
			fmt.Fprint(c, "250 ok\r\n")
		case strings.HasPrefix(line, "DATA"):
			fmt.Fprint(c, "354 go on\r\n")
			for line != ".\r\n" {
				if line, err = r.ReadString('\n'); err != nil {
					return
				}
			}
			s.mu.Lock()
			s.letters = append(s.letters, to)
			n := len(s.letters)
			s.mu.Unlock()
			fmt.Fprint(c, s.dot(n, r)+"\r\n")
		case strings.HasPrefix(line, "QUIT"):
			return
		default:
			fmt.Fprint(c, "250 ok\r\n")
		}
	}
}

func (s *plain) taken() ([]string, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.letters), s.conns
}

func (s *plain) relay(t *testing.T, change func(*RelayOptions)) *Relay {
	t.Helper()
	o := RelayOptions{Host: "127.0.0.1", Port: s.ln.Addr().(*net.TCPAddr).Port, TLS: "none", Connections: 1, Now: func() time.Time { return testNow }}
	if change != nil {
		change(&o)
	}
	r, err := NewRelay(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// sendInLine sends n letters on one line, each of which knows the one that follows.
func sendInLine(t *testing.T, r *Relay, n int) {
	t.Helper()
	letters := make([]*Letter, n+1)
	for i := range n {
		letters[i] = stormLetter(i)
		letters[i].Ready()
	}
	line := r.Line()
	for i := range n {
		if o := line.Send(t.Context(), letters[i], func() *Letter { return letters[i+1] }); o.State != convened.Sent || o.Notice != letters[i].Notice {
			t.Fatalf("letter %d: %+v", i, o)
		}
	}
}

func recipients(n int) []string {
	var list []string
	for i := range n {
		list = append(list, stormLetter(i).To)
	}
	return list
}

// The server says nothing to a letter before it has the envelope of the next.
func TestTheEnvelopeOfTheNextLetterGoesWithTheEndOfTheOneBefore(t *testing.T) {
	const n = 20
	for _, kept := range []bool{false, true} {
		s := servePlain(t, func(i int, r *bufio.Reader) string {
			if i == n {
				return "250 ok"
			}
			want := fmt.Sprintf("MAIL FROM:<%s> SIZE=%d\r\nRCPT TO:<%s>\r\nDATA\r\n", stormLetter(i).From, len(stormLetter(i).Data), stormLetter(i).To)
			if b, err := r.Peek(len(want)); err != nil || string(b) != want {
				return fmt.Sprintf("554 behind the dot came %q, %v", b, err)
			}
			return "250 ok"
		})
		r := s.relay(t, func(o *RelayOptions) {
			if kept {
				o.Keeper = &shelf{}
			}
		})
		sendInLine(t, r, n)
		if got, conns := s.taken(); !slices.Equal(got, recipients(n)) || conns != 1 {
			t.Errorf("kept %v: the server has letters to %q by %d connections", kept, got, conns)
		}
	}
}

// Not every server that offers PIPELINING takes what comes behind a dot.
func TestAServerThatDropsWhatComesBehindTheDotGetsItsLettersAllTheSame(t *testing.T) {
	const n = 12
	drops := map[string]func(r *bufio.Reader) string{
		"forgets": func(r *bufio.Reader) string { _, _ = r.Discard(r.Buffered()); return "250 ok" },
		"complains": func(r *bufio.Reader) string {
			_, _ = r.Discard(r.Buffered())
			return "250 ok\r\n503 5.5.1 one at a time"
		},
		"babbles":    func(r *bufio.Reader) string { _, _ = r.Discard(r.Buffered()); return "250 ok\r\nwhat?" },
		"gives 421":  func(r *bufio.Reader) string { _, _ = r.Discard(r.Buffered()); return "250 ok\r\n421 good-bye" },
		"gives none": nil,
	}
	for name, drop := range drops {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servePlain(t, func(_ int, r *bufio.Reader) string {
				if drop == nil || r.Buffered() == 0 {
					return "250 ok"
				}
				return drop(r)
			})
			r := s.relay(t, func(o *RelayOptions) {
				// Only of who says nothing is it the timeout that tells.
				if name == "forgets" {
					o.CommandTimeout = time.Second
				}
			})
			sendInLine(t, r, n)
			got, conns := s.taken()
			if !slices.Equal(got, recipients(n)) {
				t.Errorf("the server has letters to %q", got)
			}
			most := map[string]int{"gives 421": n, "gives none": 1}[name]
			if most == 0 {
				most = mostRebuffs + 1
			}
			if conns > most {
				t.Errorf("%d connections for %d letters, want at most %d", conns, n, most)
			}
		})
	}
}

// A server that goes because of a recipient has not failed to understand: however often
// that happens, the next envelope goes with the end of the letter before it.
func TestAServerThatGoesAtSomeRecipientsIsStillSentEnvelopesAhead(t *testing.T) {
	const n = 30
	gone := map[string]bool{}
	for i := 1; i < n-2; i++ {
		gone[stormLetter(i).To] = i%3 < 2 // the second of two is the first that goes ahead on its connection
	}
	s := servePlain(t, func(i int, r *bufio.Reader) string {
		if i == n-1 { // behind the last but one comes the last
			want := fmt.Sprintf("MAIL FROM:<%s>", stormLetter(i).From)
			if b, err := r.Peek(len(want)); err != nil || string(b) != want {
				return fmt.Sprintf("554 behind the dot came %q, %v", b, err)
			}
		}
		return "250 ok"
	})
	s.mu.Lock()
	s.goes = gone
	s.mu.Unlock()
	r := s.relay(t, func(o *RelayOptions) { o.CommandTimeout = 5 * time.Second })
	sendInLine(t, r, n)
	if got, conns := s.taken(); !slices.Equal(got, recipients(n)) || conns < n/2 {
		t.Errorf("the server has letters to %q by %d connections", got, conns)
	}
}

// A letter that is sent elsewhere leaves nothing behind where it had begun.
func TestALineLeavesALetterThatIsNotSentOnIt(t *testing.T) {
	s := servePlain(t, func(int, *bufio.Reader) string { return "250 ok" })
	r := s.relay(t, nil)
	line := r.Line()
	other := stormLetter(2)
	other.Ready()
	for i, leave := range []func(){line.Leave, func() {}} {
		if o := line.Send(t.Context(), stormLetter(0), func() *Letter { return other }); o.State != convened.Sent {
			t.Fatalf("Send = %+v", o)
		}
		if line.c == nil {
			t.Fatal("nothing was begun")
		}
		leave()
		if i == 1 { // another letter on the line
			if o := line.Send(t.Context(), stormLetter(1), nil); o.State != convened.Sent {
				t.Errorf("the next: %+v", o)
			}
		}
		// The one connection that there may be is free.
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if o := r.Send(ctx, other); o.State != convened.Sent {
			t.Errorf("elsewhere: %+v", o)
		}
		cancel()
	}
	if got, _ := s.taken(); !slices.Equal(got, []string{stormLetter(0).To, other.To, stormLetter(0).To, stormLetter(1).To, other.To}) {
		t.Errorf("the server has letters to %q", got)
	}
}

// scribe is a journal that knows where each letter ends on its connection.
type scribe struct {
	before func(kept string, end int64) error
	after  func()
}

func (s scribe) BeforeDot(_ *Letter, kept string, end int64) error { return s.before(kept, end) }
func (s scribe) AfterReply(*Letter, convened.Outcome)              { s.after() }

// Whoever inherits a connection knows from the kernel whether the dot was out.
func TestOnAConnectionThatIsKeptTheKernelKnowsWhetherTheDotIsOut(t *testing.T) {
	s := servePlain(t, func(int, *bufio.Reader) string { return "250 2.0.0 taken" })
	k := &shelf{}
	heir := func(kept string) net.Conn {
		k.mu.Lock()
		defer k.mu.Unlock()
		return connOf(t, k.kept[kept])
	}
	var name string
	var ends []int64
	refuse := 0
	j := scribe{before: func(kept string, end int64) error {
		name, ends = kept, append(ends, end)
		// Had the sender died here, the letter would not have left.
		o, err := LastWord(t.Context(), heir(kept), end, true)
		if o.State != convened.Planned || o.Cause != convened.CauseStopped || !o.Free || err != nil {
			t.Errorf("before letter %d: %+v, %v", len(ends), o, err)
		}
		if len(ends) == refuse {
			return errors.New("no")
		}
		return nil
	}}
	// And here, it would have been answered, whatever has come behind the answer.
	j.after = func() {
		o, err := LastWord(t.Context(), heir(name), ends[len(ends)-1], true)
		if o.State != convened.Sent || o.Reply != "2.0.0 taken" || err != nil {
			t.Errorf("after letter %d: %+v, %v", len(ends), o, err)
		}
	}
	r := s.relay(t, func(o *RelayOptions) { o.Journal, o.Keeper = j, k })
	const n = 20
	sendInLine(t, r, n)
	if got, conns := s.taken(); !slices.Equal(got, recipients(n)) || conns != 1 {
		t.Errorf("the server has letters to %q by %d connections", got, conns)
	}
	if !slices.IsSorted(ends) || len(ends) != n || ends[0] <= int64(len(stormLetter(0).Data)) {
		t.Errorf("the letters end at %d", ends)
	}
	refuse = n + 1
	if o := r.Send(t.Context(), stormLetter(n)); o.State != convened.Planned || !o.Free {
		t.Errorf("a dot that is kept back: %+v", o)
	}
}

// A letter whose end the kernel has only in part is none.
func TestADotThatIsOutInPartIsNotOut(t *testing.T) {
	client, server := pair(t, "tcp")
	const letter = "To: <a@b>\r\n\r\nhello\r\n.\r\n"
	for i := range len(letter) {
		if o, err := LastWord(t.Context(), client, int64(len(letter)), true); o.State != convened.Planned || o.Cause != convened.CauseStopped || err != nil {
			t.Fatalf("with %d of %d bytes: %+v, %v", i, len(letter), o, err)
		}
		if _, err := io.WriteString(client, letter[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(client, "MAIL FROM:<>\r\n"); err != nil {
		t.Fatal(err)
	}
	go func() {
		b := make([]byte, len(letter)+len("MAIL FROM:<>\r\n"))
		if _, err := io.ReadFull(server, b); err == nil {
			_, _ = io.WriteString(server, "250 ok\r\n250 ok\r\n")
		}
	}()
	if o, err := LastWord(t.Context(), client, int64(len(letter)), true); o.State != convened.Sent || err != nil {
		t.Errorf("with all of it: %+v, %v", o, err)
	}
	// No second dot has followed: it would have ended another letter.
	_ = client.(*net.TCPConn).CloseWrite()
	if b, err := io.ReadAll(server); len(b) != 0 || err != nil {
		t.Errorf("behind it came %q, %v", b, err)
	}
}

// What is wrong with a recipient is no fault of the way that it came.
func TestARefusedRecipientThatWentAheadCostsNoConnection(t *testing.T) {
	for _, reply := range []string{"550 5.1.1 nobody", "451 4.2.0 later", "452 4.2.2 full"} {
		s := serve(t, &server{extensions: []string{"PIPELINING"}, rules: map[string]func(int) string{"RCPT": func(n int) string {
			if n%3 == 0 {
				return reply
			}
			return usual
		}}})
		line := s.relay(nil).Line()
		letters := []*Letter{}
		for i := range 13 {
			letters = append(letters, stormLetter(i))
			letters[i].Ready()
		}
		for i, l := range letters[:12] {
			o := line.Send(t.Context(), l, func() *Letter { return letters[i+1] })
			if refused := i%3 == 2; refused != (o.State != convened.Sent) || refused && (o.Phase != phaseRcpt || o.Free) {
				t.Errorf("letter %d: %+v", i, o)
			}
		}
		line.Leave()
		if n := s.asked("CONNECT"); n != 1 || len(s.accepted()) != 8 {
			t.Errorf("%s: %d connections, %d letters", reply, n, len(s.accepted()))
		}
	}
}
