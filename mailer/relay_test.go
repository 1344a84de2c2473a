package mailer

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"convened"
	"convened/internal/lab"
)

var testNow = time.Date(2026, 11, 24, 16, 0, 0, 0, time.UTC)

// letter is a letter as small as one can be, with a line that begins with a dot.
func letter() *Letter {
	return &Letter{Notice: 7, Attempt: 2, From: "bounce+7.x@bounce.example.org", To: "ana@example.net", Domain: "example.net",
		Data: []byte("From: <a@example.org>\r\n\r\n.dotted\r\nend\r\n")}
}

func send(t *testing.T, r *Relay, l *Letter) convened.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return r.Send(ctx, l)
}

// bothDialogues runs a test with and without PIPELINING.
func bothDialogues(t *testing.T, test func(t *testing.T, extensions []string)) {
	t.Helper()
	for _, exts := range [][]string{{"SIZE 10240000"}, {"SIZE 10240000", "PIPELINING"}} {
		t.Run(fmt.Sprintf("%d extensions", len(exts)), func(t *testing.T) { t.Parallel(); test(t, exts) })
	}
}

func TestSendDeliversTheLetterByteForByte(t *testing.T) {
	bothDialogues(t, func(t *testing.T, exts []string) {
		s := serve(t, &server{extensions: exts})
		r := s.relay(nil)
		for range 3 {
			l := letter()
			got := send(t, r, l)
			want := convened.Outcome{Notice: 7, Attempt: 2, State: convened.Sent, Code: 250, Enhanced: "2.0.0",
				Reply: "2.0.0 ok: queued as 4711", Phase: "dot", At: testNow}
			if got != want {
				t.Fatalf("Send = %+v, want %+v", got, want)
			}
		}
		if got := s.accepted(); len(got) != 3 || got[0] != string(letter().Data) {
			t.Errorf("the server has %q", got)
		}
		want := []string{"CONNECT", "EHLO localhost", "MAIL FROM:<bounce+7.x@bounce.example.org> SIZE=39",
			"RCPT TO:<ana@example.net>", "DATA", "BODY", "."}
		if got := s.said()[:len(want)]; !slices.Equal(got, want) {
			t.Errorf("the dialogue was %q, want %q", got, want)
		}
		if n := s.asked("EHLO"); n != 1 {
			t.Errorf("%d connections for 3 letters, want 1", n)
		}
	})
}

// Dots begin none, some, and more lines than the kernel takes pieces at a time; some of
// the letters are written in one go with their end, and some are too long for it.
func TestSendDoublesTheDotsThatBeginLines(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	secure := ca.server(t, nil)
	for _, dots := range []int{0, 1, 3, manyDots, manyDots + 1, 3000} {
		for _, more := range []int{0, 2 * jointLimit / 64} {
			for _, mode := range []string{"none", "tls"} {
				s := serve(t, &server{tls: secure, implicit: mode == "tls"})
				r := s.relay(func(o *RelayOptions) { o.TLS, o.RootCAs = mode, ca.pool })
				l := letter()
				l.Data = []byte("A: b\r\n\r\n" + strings.Repeat(".\r\nx\r\n..y\r\n", dots) + strings.Repeat(strings.Repeat("z", 62)+"\r\n", more))
				if o := send(t, r, l); o.State != convened.Sent {
					t.Errorf("%d dots, TLS %s: Send = %+v", dots, mode, o)
				}
				if got := s.accepted(); len(got) != 1 || got[0] != string(l.Data) {
					t.Errorf("%d dots and %d lines more, TLS %s: the server has another letter", dots, more, mode)
				}
			}
		}
	}
}

func TestSendWritesTheEnvelopeInOneGoWhereItMay(t *testing.T) {
	// This server answers nothing before it has heard DATA.
	s := serve(t, &server{extensions: []string{"PIPELINING"}, rules: map[string]func(int) string{
		"MAIL": always(quiet), "RCPT": always(quiet),
		"DATA": always("250 sender ok\r\n250 recipient ok\r\n354 go on"),
	}})
	if o := send(t, s.relay(nil), letter()); o.State != convened.Sent {
		t.Errorf("Send = %+v", o)
	}
}

// TestSendJudgesByPhaseAndCode goes through what a server can do at each phase.
func TestSendJudgesByPhaseAndCode(t *testing.T) {
	for _, tt := range []struct {
		verb, answer string
		state        convened.State
		cause        convened.Cause
		phase        string
		free         bool
		code         int
		inPhase      bool // the connection goes on to the next letter
	}{
		{"CONNECT", "421 4.3.2 too busy", convened.Planned, convened.CauseRelay, "greeting", true, 421, false},
		{"CONNECT", "554 5.7.1 not you", convened.Planned, convened.CauseRelay, "greeting", true, 554, false},
		{"CONNECT", "SSH-2.0-OpenSSH_10.0", convened.Planned, convened.CauseRelay, "greeting", true, 0, false},
		{"CONNECT", hang, convened.Planned, convened.CauseRelay, "greeting", true, 0, false},
		{"CONNECT", drop, convened.Planned, convened.CauseRelay, "greeting", true, 0, false},
		{"EHLO", "550 5.7.1 no such name", convened.Planned, convened.CauseRelay, "ehlo", true, 550, false},
		{"EHLO", cut, convened.Planned, convened.CauseRelay, "ehlo", true, 0, false},
		{"MAIL", "451 4.3.0 later", convened.Planned, convened.CauseServer, "mail", false, 451, true},
		{"MAIL", "421 4.7.0 slow down", convened.Planned, convened.CauseSlowDown, "mail", false, 421, false},
		{"MAIL", "530 5.7.0 login first", convened.Planned, convened.CauseLogin, "mail", true, 530, true},
		{"MAIL", "550 5.1.8 sender has no domain", convened.Refused, convened.CausePolicy, "mail", false, 550, true},
		{"MAIL", "552 5.3.4 too big", convened.Refused, convened.CauseContent, "mail", false, 552, true},
		{"MAIL", hang, convened.Planned, convened.CauseServer, "mail", false, 0, false},
		{"MAIL", drop, convened.Planned, convened.CauseServer, "mail", false, 0, false},
		{"MAIL", "what?", convened.Planned, convened.CauseServer, "mail", false, 0, false},
		{"RCPT", "550 5.1.1 unknown", convened.Refused, convened.CauseAddress, "rcpt", false, 550, true},
		{"RCPT", "550-5.1.1 unknown\r\n550 5.1.1 really", convened.Refused, convened.CauseAddress, "rcpt", false, 550, true},
		{"RCPT", "451 4.7.1 greylisted", convened.Planned, convened.CauseSlowDown, "rcpt", false, 451, true},
		{"RCPT", "452 4.2.2 full", convened.Planned, convened.CauseServer, "rcpt", false, 452, true},
		{"RCPT", "554 5.7.1 listed", convened.Refused, convened.CausePolicy, "rcpt", false, 554, true},
		{"RCPT", cut, convened.Planned, convened.CauseServer, "rcpt", false, 0, false},
		{"DATA", "451 4.3.0 later", convened.Planned, convened.CauseServer, "data", false, 451, true},
		{"DATA", "554 5.7.1 no", convened.Refused, convened.CausePolicy, "data", false, 554, true},
		{"DATA", "250 what", convened.Planned, convened.CauseServer, "data", false, 0, false},
		{"DATA", "354 go on\r\n250 one too many", convened.Planned, convened.CauseServer, "data", false, 0, false},
		{"DATA", hang, convened.Planned, convened.CauseServer, "data", false, 0, false},
		{"DOT", "554 5.7.1 spam", convened.Refused, convened.CausePolicy, "dot", false, 554, true},
		{"DOT", "554 5.6.0 bad content", convened.Refused, convened.CauseContent, "dot", false, 554, true},
		{"DOT", "550 5.1.1 unknown after all", convened.Refused, convened.CauseAddress, "dot", false, 550, true},
		{"DOT", "451 4.3.0 later", convened.Planned, convened.CauseServer, "dot", false, 451, true},
		{"DOT", "421 4.3.2 shutting down", convened.Planned, convened.CauseSlowDown, "dot", false, 421, false},
		{"DOT", "250 2.0.0 ok and drop", convened.Unknown, convened.CauseDoubt, "dot", false, 0, false},
		{"DOT", "250 2.0.0 ok and cut", convened.Unknown, convened.CauseDoubt, "dot", false, 0, false},
		{"DOT", drop, convened.Unknown, convened.CauseDoubt, "dot", false, 0, false},
		{"DOT", cut, convened.Unknown, convened.CauseDoubt, "dot", false, 0, false},
		{"DOT", hang, convened.Unknown, convened.CauseDoubt, "dot", false, 0, false},
		{"DOT", "OK", convened.Unknown, convened.CauseDoubt, "dot", false, 0, false},
		{"DOT", "250-2.0.0 ok\r\n2 and drop", convened.Unknown, convened.CauseDoubt, "dot", false, 0, false},
	} {
		name := strings.Join(strings.Fields(tt.verb+" "+tt.answer), " ")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothDialogues(t, func(t *testing.T, exts []string) {
				s := serve(t, &server{extensions: exts, rules: map[string]func(int) string{tt.verb: once(1, tt.answer)}})
				r := s.relay(func(o *RelayOptions) {
					// Long enough for a busy machine, and where the server hangs, short.
					if tt.answer == hang {
						o.CommandTimeout, o.DataTimeout, o.DotTimeout = time.Second, time.Second, time.Second
					}
				})
				o := send(t, r, letter())
				if o.State != tt.state || o.Cause != tt.cause || o.Phase != tt.phase || o.Free != tt.free || o.Code != tt.code {
					t.Errorf("Send = %+v, want %s %s at %s, free %v, code %d", o, tt.state, tt.cause, tt.phase, tt.free, tt.code)
				}
				if o.Reply == "" {
					t.Error("nothing says why")
				}
				if n := s.asked("CONNECT"); n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
				// Whatever it was, the next letter goes out.
				if o := send(t, r, letter()); o.State != convened.Sent {
					t.Errorf("the next letter: %+v", o)
				}
				want := 2
				if tt.inPhase {
					want = 1
				}
				if n := s.asked("CONNECT"); n != want {
					t.Errorf("%d connections for both letters, want %d", n, want)
				}
				for _, got := range s.accepted() {
					if got != string(letter().Data) {
						t.Errorf("the server has %q", got)
					}
				}
				if n := len(s.accepted()); n > 1 && tt.state != convened.Unknown {
					t.Errorf("the server has %d letters, want the second alone", n)
				}
			})
		})
	}
}

func TestRefusedRecipientWhoseDATAIsTakenGetsALonelyDot(t *testing.T) {
	for _, dot := range []string{"554 5.5.1 no valid recipients", "250 2.0.0 ok"} {
		s := serve(t, &server{extensions: []string{"PIPELINING"}, rules: map[string]func(int) string{
			"RCPT": once(1, "550 5.1.1 unknown"), "DATA": once(1, "354 go on"), "DOT": once(1, dot)}})
		r := s.relay(nil)
		if o := send(t, r, letter()); o.State != convened.Refused || o.Cause != convened.CauseAddress || o.Phase != "rcpt" {
			t.Errorf("Send = %+v, want the recipient refused", o)
		}
		if o := send(t, r, letter()); o.State != convened.Sent {
			t.Errorf("the next letter: %+v", o)
		}
		if got := s.accepted(); len(got) != 1 {
			t.Errorf("the server has %d letters, want the second alone", len(got))
		}
		want := []string{"CONNECT", "EHLO localhost", "MAIL FROM:<bounce+7.x@bounce.example.org>", "RCPT TO:<ana@example.net>", "DATA", ".", "RSET"}
		if got := s.said(); !slices.Equal(got[:len(want)], want) {
			t.Errorf("the dialogue was %q, want %q", got, want)
		}
	}
}

func TestRefusedSenderWhoseRecipientIsTakenGetsNoDot(t *testing.T) {
	s := serve(t, &server{extensions: []string{"PIPELINING"}, rules: map[string]func(int) string{
		"MAIL": once(1, "451 4.3.0 later"), "RCPT": once(1, "250 2.1.5 ok"), "DATA": once(1, "354 go on")}})
	r := s.relay(nil)
	if o := send(t, r, letter()); o.State != convened.Planned || o.Phase != "mail" || o.Code != 451 {
		t.Errorf("Send = %+v, want the sender's 451", o)
	}
	if o := send(t, r, letter()); o.State != convened.Sent {
		t.Errorf("the next letter: %+v", o)
	}
	if got := s.accepted(); len(got) != 1 || got[0] != string(letter().Data) {
		t.Errorf("the server has %q, want the second letter alone", got)
	}
}

func TestConnectionThatDiedWhileIdleCostsNoAttempt(t *testing.T) {
	bothDialogues(t, func(t *testing.T, exts []string) {
		for _, way := range []string{"closed", "421 at MAIL", "421 unasked", "RSET refused", "mute"} {
			t.Run(way, func(t *testing.T) {
				t.Parallel()
				rules := map[string]func(int) string{}
				switch way {
				case "421 at MAIL":
					rules["MAIL"] = once(2, "421 4.4.2 idle for too long")
				case "421 unasked":
					rules["DOT"] = once(1, "250 2.0.0 ok\r\n421 4.4.2 idle for too long")
				case "RSET refused":
					rules["DOT"] = once(1, "451 4.3.0 later")
					rules["RSET"] = once(1, "550 5.7.1 no")
				case "mute":
					rules["MAIL"] = once(2, hang)
				}
				s := serve(t, &server{extensions: exts, rules: rules})
				r := s.relay(func(o *RelayOptions) {
					if way == "mute" {
						o.CommandTimeout = 2 * time.Second
					}
				})
				if o := send(t, r, letter()); o.State != convened.Sent && way != "RSET refused" {
					t.Fatalf("the first letter: %+v", o)
				}
				switch way {
				case "closed":
					s.hangUp()
				case "RSET refused":
					// The transaction after the dot is over, so nothing is reset:
					// only one that stopped half-way is.
					rules["RCPT"] = once(2, "451 4.3.0 later")
					send(t, r, letter())
				}
				if o := send(t, r, letter()); o.State != convened.Sent {
					t.Errorf("the letter after the pause: %+v, want it sent over another connection", o)
				}
				if n := s.asked("CONNECT"); n != 2 {
					t.Errorf("%d connections, want 2", n)
				}
			})
		}
	})
}

func TestConnectionIsRetriedOnceOnly(t *testing.T) {
	s := serve(t, &server{rules: map[string]func(int) string{"MAIL": func(n int) string {
		if n == 1 {
			return usual
		}
		return "421 4.7.0 too many letters"
	}}})
	r := s.relay(nil)
	send(t, r, letter())
	if o := send(t, r, letter()); o.State != convened.Planned || o.Cause != convened.CauseSlowDown {
		t.Errorf("Send = %+v, want the second 421 to stand", o)
	}
	if n := s.asked("MAIL"); n != 3 {
		t.Errorf("%d times MAIL, want 3", n)
	}
}

func TestErrorWithinDATAEndsWithAResetNeverWithQUIT(t *testing.T) {
	big := bigLetter()
	t.Run("the server stops reading", func(t *testing.T) {
		s := serve(t, &server{rules: map[string]func(int) string{"BODY": always(hang)}, wake: make(chan struct{})})
		r := s.relay(func(o *RelayOptions) { o.DataTimeout = time.Second })
		if o := send(t, r, big); o.State != convened.Planned || o.Cause != convened.CauseServer || o.Phase != "data" {
			t.Errorf("Send = %+v, want a temporary failure within DATA", o)
		}
		close(s.wake)
		if got := s.endings(1); got[0] != "reset" {
			t.Errorf("the connection ended with %q, want a reset", got[0])
		}
	})
	t.Run("the context ends", func(t *testing.T) {
		s := serve(t, &server{rules: map[string]func(int) string{"BODY": always(hang)}, wake: make(chan struct{})})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { s.await("BODY"); cancel() }()
		if o := s.relay(nil).Send(ctx, big); o.State != convened.Planned || o.Cause != convened.CauseStopped || !o.Free || o.Phase != "data" {
			t.Errorf("Send = %+v, want it given back", o)
		}
		close(s.wake)
		if got := s.endings(1); got[0] != "reset" {
			t.Errorf("the connection ended with %q, want a reset", got[0])
		}
	})
	t.Run("the journal is full", func(t *testing.T) {
		s := serve(t, &server{})
		r := s.relay(func(o *RelayOptions) { o.Journal = &diary{refuse: errors.New("no space left")} })
		if o := send(t, r, letter()); o.State != convened.Planned || o.Cause != convened.CauseStopped || !o.Free {
			t.Errorf("Send = %+v, want it given back", o)
		}
		s.endings(1)
		if got := s.said(); slices.Contains(got, "QUIT") || slices.Contains(got, ".") || len(s.accepted()) > 0 {
			t.Errorf("the dialogue was %q", got)
		}
	})
}

func TestServerThatHasHadEnoughIsHeard(t *testing.T) {
	s := serve(t, &server{rules: map[string]func(int) string{"BODY": always("552 5.3.4 too big and " + hang)}, wake: make(chan struct{})})
	r := s.relay(func(o *RelayOptions) { o.DataTimeout = time.Second })
	if o := send(t, r, bigLetter()); o.State != convened.Refused || o.Cause != convened.CauseContent || o.Phase != "data" || o.Code != 552 {
		t.Errorf("Send = %+v, want the server's 552", o)
	}
	close(s.wake)
	s.endings(1)
}

// bigLetter is more than the kernel takes of a server that does not read.
func bigLetter() *Letter {
	l := letter()
	l.Data = append(l.Data, bytes.Repeat([]byte(strings.Repeat("0123456789", 7)+"\r\n"), 200_000)...)
	return l
}

// A diary is a journal that remembers.
type diary struct {
	mu     sync.Mutex
	pages  []string
	refuse error
	before func()
}

func (d *diary) BeforeDot(l *Letter, _ string, _ int64) error {
	d.mu.Lock()
	d.pages = append(d.pages, fmt.Sprintf("dot %d", l.Notice))
	d.mu.Unlock()
	if d.before != nil {
		d.before()
	}
	return d.refuse
}

func (d *diary) AfterReply(l *Letter, o convened.Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pages = append(d.pages, fmt.Sprintf("reply %d %s %d", l.Notice, o.State, o.Code))
}

func TestJournalHasEachDotBeforeItAndEachReplyAfter(t *testing.T) {
	for _, tt := range []struct {
		dot  string
		want []string
	}{
		{usual, []string{"dot 7", "reply 7 sent 250"}},
		{"554 5.7.1 no", []string{"dot 7", "reply 7 refused 554"}},
		{"250 ok and drop", []string{"dot 7", "reply 7 unknown 0"}},
	} {
		s := serve(t, &server{rules: map[string]func(int) string{"DOT": always(tt.dot)}})
		d := &diary{before: func() {
			if s.asked("DOT") > 0 || len(s.accepted()) > 0 {
				t.Error("the dot was out before it was noted")
			}
		}}
		r := s.relay(func(o *RelayOptions) { o.Journal = d })
		send(t, r, letter())
		if !slices.Equal(d.pages, tt.want) {
			t.Errorf("the journal has %q, want %q", d.pages, tt.want)
		}
	}
	// What is refused before the dot is no entry.
	s := serve(t, &server{rules: map[string]func(int) string{"RCPT": always("550 5.1.1 no")}})
	d := &diary{}
	send(t, s.relay(func(o *RelayOptions) { o.Journal = d }), letter())
	if len(d.pages) != 0 {
		t.Errorf("the journal has %q, want nothing", d.pages)
	}
}

// engaged returns a relay whose one connection has a letter under way that does not
// come to an end before leave is called.
func engaged(t *testing.T) (r *Relay, leave func()) {
	t.Helper()
	s := serve(t, &server{rules: map[string]func(int) string{"MAIL": once(1, hang)}})
	r = s.relay(func(o *RelayOptions) { o.Connections = 1 })
	first, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { r.Send(first, letter()) })
	s.await("MAIL")
	return r, func() { stop(); wg.Wait() }
}

// TestContextStopsASendBeforeTheDotAndNotAfter cancels while the server keeps
// the client waiting at each phase.
func TestContextStopsASendBeforeTheDotAndNotAfter(t *testing.T) {
	bothDialogues(t, func(t *testing.T, exts []string) {
		for _, verb := range []string{"CONNECT", "EHLO", "MAIL", "RCPT", "DATA"} {
			s := serve(t, &server{extensions: exts, rules: map[string]func(int) string{verb: always(hang)}})
			ctx, cancel := context.WithCancel(t.Context())
			go func() { s.await(verb); cancel() }()
			o := s.relay(nil).Send(ctx, letter())
			if o.State != convened.Planned || o.Cause != convened.CauseStopped || !o.Free {
				t.Errorf("cancelled at %s: %+v, want it given back", verb, o)
			}
		}
	})
	t.Run("dot", func(t *testing.T) {
		release := make(chan struct{})
		s := serve(t, &server{rules: map[string]func(int) string{"DOT": func(int) string { <-release; return usual }}})
		ctx, cancel := context.WithCancel(t.Context())
		d := &diary{before: func() {
			cancel()
			time.AfterFunc(100*time.Millisecond, func() { close(release) })
		}}
		o := s.relay(func(o *RelayOptions) { o.Journal = d }).Send(ctx, letter())
		if o.State != convened.Sent || o.Code != 250 {
			t.Errorf("cancelled at the dot: %+v, want the reply waited for", o)
		}
	})
	t.Run("beforehand", func(t *testing.T) {
		s := serve(t, &server{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if o := s.relay(nil).Send(ctx, letter()); o.State != convened.Planned || o.Cause != convened.CauseStopped || !o.Free {
			t.Errorf("cancelled beforehand: %+v", o)
		}
		if s.asked("CONNECT") != 0 {
			t.Error("it connected")
		}
	})
	t.Run("waiting for a connection", func(t *testing.T) {
		r, leave := engaged(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		if o := r.Send(ctx, letter()); o.State != convened.Planned || o.Cause != convened.CauseStopped || !o.Free {
			t.Errorf("cancelled in the queue: %+v", o)
		}
		leave()
	})
}

// A letter has an end of its own, besides its context's.
func TestALetterIsGivenUpBeforeItsDotAndNotAfter(t *testing.T) {
	bothDialogues(t, func(t *testing.T, exts []string) {
		for _, verb := range []string{"CONNECT", "EHLO", "MAIL", "RCPT", "DATA"} {
			s := serve(t, &server{extensions: exts, rules: map[string]func(int) string{verb: always(hang)}})
			l := letter()
			l.Until = time.Now().Add(100 * time.Millisecond)
			if o := send(t, s.relay(nil), l); o.State != convened.Planned || o.Cause != convened.CauseStopped || !o.Free {
				t.Errorf("its time is over at %s: %+v, want it given back", verb, o)
			}
		}
	})
	t.Run("dot", func(t *testing.T) {
		l := letter()
		l.Until = time.Now().Add(2 * time.Second)
		s := serve(t, &server{rules: map[string]func(int) string{"DOT": func(int) string {
			time.Sleep(time.Until(l.Until) + 100*time.Millisecond)
			return usual
		}}})
		if o := send(t, s.relay(nil), l); o.State != convened.Sent {
			t.Errorf("its time is over at the dot: %+v, want the reply waited for", o)
		}
	})
	t.Run("waiting for a connection", func(t *testing.T) {
		r, leave := engaged(t)
		l := letter()
		l.Until = time.Now().Add(50 * time.Millisecond)
		if o := send(t, r, l); o.State != convened.Planned || o.Cause != convened.CauseStopped || !o.Free {
			t.Errorf("its time is over in the queue: %+v", o)
		}
		leave()
	})
	t.Run("the next", func(t *testing.T) {
		s := serve(t, &server{rules: map[string]func(int) string{"MAIL": func(int) string { time.Sleep(20 * time.Millisecond); return usual }}})
		r := s.relay(func(o *RelayOptions) { o.Connections = 1 })
		l := letter()
		l.Until = time.Now().Add(3 * time.Second)
		send(t, r, l)
		time.Sleep(time.Until(l.Until))
		if o := send(t, r, letter()); o.State != convened.Sent || s.asked("CONNECT") != 1 {
			t.Errorf("the letter after it: %+v, on connection %d", o, s.asked("CONNECT"))
		}
	})
}

// One context is watched for all letters that it is for, and stops the one that is under way.
func TestAContextOfManyLettersStopsTheOneUnderWay(t *testing.T) {
	s := serve(t, &server{extensions: []string{"PIPELINING"}, rules: map[string]func(int) string{"MAIL": once(4, hang)}})
	r := s.relay(func(o *RelayOptions) { o.Connections = 1 })
	ctx, cancel := context.WithCancel(t.Context())
	for range 3 {
		if o := r.Send(ctx, letter()); o.State != convened.Sent {
			t.Fatalf("Send = %+v", o)
		}
	}
	go func() {
		for s.asked("MAIL") < 4 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if o := r.Send(ctx, letter()); o.State != convened.Planned || o.Cause != convened.CauseStopped || !o.Free {
		t.Errorf("stopped, it came to %+v, want it given back", o)
	}
	if o := send(t, r, letter()); o.State != convened.Sent {
		t.Errorf("the letter after it: %+v", o)
	}
}

// A late is a context whose time is over and whose timer has not said so yet, as
// that of a process that wakes up.
type late struct {
	context.Context
	deadline time.Time
}

func (l late) Deadline() (time.Time, bool) { return l.deadline, true }

func TestWhoWakesUpAfterItsDeadlineWritesNoDot(t *testing.T) {
	bothDialogues(t, func(t *testing.T, exts []string) {
		var ctx late
		s := serve(t, &server{extensions: exts, rules: map[string]func(int) string{"DATA": func(int) string {
			time.Sleep(time.Until(ctx.deadline) + time.Millisecond) // frozen
			return usual
		}}})
		d := &diary{}
		r := s.relay(func(o *RelayOptions) { o.Journal = d })
		ctx = late{t.Context(), time.Now().Add(2 * time.Second)}
		if o := r.Send(ctx, letter()); o.State != convened.Planned || o.Cause != convened.CauseStopped || !o.Free {
			t.Errorf("it came to %+v, want it given back", o)
		}
		if n := len(s.accepted()); n > 0 {
			t.Errorf("the server has %d letters", n)
		}
	})
}

func TestCancelledContextOfOneSendLeavesTheNextAlone(t *testing.T) {
	s := serve(t, &server{extensions: []string{"PIPELINING"}})
	r := s.relay(func(o *RelayOptions) { o.Connections = 1 })
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		o := r.Send(ctx, letter())
		cancel()
		if o.State != convened.Sent {
			t.Fatalf("Send = %+v", o)
		}
	}
	if n := s.asked("CONNECT"); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestReplyThatIsLateIsWaitedFor(t *testing.T) {
	s := serve(t, &server{rules: map[string]func(int) string{"DOT": func(int) string { time.Sleep(1500 * time.Millisecond); return usual }}})
	r := s.relay(func(o *RelayOptions) { o.CommandTimeout, o.DataTimeout = time.Second, time.Second })
	if o := send(t, r, letter()); o.State != convened.Sent {
		t.Errorf("Send = %+v", o)
	}
}

func TestPoolKeepsToItsNumberOfConnections(t *testing.T) {
	s := serve(t, &server{extensions: []string{"PIPELINING"}})
	r := s.relay(func(o *RelayOptions) { o.Connections = 3 })
	var wg sync.WaitGroup
	for range 60 {
		wg.Go(func() {
			if o := send(t, r, letter()); o.State != convened.Sent {
				t.Errorf("Send = %+v", o)
			}
		})
	}
	wg.Wait()
	if n := s.asked("CONNECT"); n > 3 {
		t.Errorf("%d connections, want at most 3", n)
	}
	if got := len(s.accepted()); got != 60 {
		t.Errorf("%d letters, want 60", got)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, end := range s.endings(s.asked("CONNECT")) {
		if end != "quit" {
			t.Errorf("an idle connection ended with %q, want QUIT", end)
		}
	}
	if o := send(t, r, letter()); o.State != convened.Sent {
		t.Errorf("after Close: %+v", o)
	}
}

func TestIdleConnectionIsClosedAfterAWhile(t *testing.T) {
	s := serve(t, &server{})
	r := s.relay(func(o *RelayOptions) { o.IdleTimeout = 20 * time.Millisecond })
	send(t, r, letter())
	if got := s.endings(1); got[0] != "quit" {
		t.Errorf("the idle connection ended with %q, want QUIT", got[0])
	}
	if o := send(t, r, letter()); o.State != convened.Sent {
		t.Errorf("the next letter: %+v", o)
	}
}

func TestSendNeverBreaksOutOfItsCommands(t *testing.T) {
	s := serve(t, &server{})
	r := s.relay(nil)
	for name, change := range map[string]func(*Letter){
		"line end in To":     func(l *Letter) { l.To = "a@b.c>\r\nRCPT TO:<x@y.z" },
		"parameter in To":    func(l *Letter) { l.To = "a@b.c> NOTIFY=NEVER" },
		"bracket in From":    func(l *Letter) { l.From = "a@b.c>" },
		"no recipient":       func(l *Letter) { l.To = "" },
		"beyond ASCII":       func(l *Letter) { l.To = "josé@b.c" },
		"bare LF":            func(l *Letter) { l.Data = []byte("A: b\r\n\r\nx\n.\n\r\n") },
		"bare CR":            func(l *Letter) { l.Data = []byte("A: b\r\n\r\nx\r.\r\n") },
		"no line end":        func(l *Letter) { l.Data = []byte("A: b\r\n\r\nx") },
		"nothing":            func(l *Letter) { l.Data = nil },
		"line of 999 octets": func(l *Letter) { l.Data = []byte("A: b\r\n\r\n" + strings.Repeat("x", 999) + "\r\n") },
	} {
		l := letter()
		change(l)
		if o := send(t, r, l); o.State != convened.Refused || o.Cause != convened.CauseContent || o.Phase != "compose" {
			t.Errorf("%s: %+v, want it refused", name, o)
		}
	}
	if s.asked("CONNECT") != 0 {
		t.Error("it connected for a letter that can't be sent")
	}
	long := letter()
	long.Data = []byte("A: b\r\n\r\n" + strings.Repeat("x", 998) + "\r\n..\r\n.\r\n")
	if o := send(t, r, long); o.State != convened.Sent {
		t.Errorf("a letter at the limits: %+v", o)
	}
	if got := s.accepted(); len(got) != 1 || got[0] != string(long.Data) {
		t.Errorf("the server has %q", got)
	}
}

func TestSMTPUTF8IsAskedForWhereNeededAndOfferedOnly(t *testing.T) {
	l := letter()
	l.To, l.SMTPUTF8 = "josé@example.net", true
	s := serve(t, &server{extensions: []string{"SMTPUTF8", "8BITMIME"}})
	r := s.relay(nil)
	if o := send(t, r, l); o.State != convened.Sent {
		t.Errorf("Send = %+v", o)
	}
	send(t, r, letter())
	want := []string{"MAIL FROM:<bounce+7.x@bounce.example.org> BODY=8BITMIME SMTPUTF8", "MAIL FROM:<bounce+7.x@bounce.example.org>"}
	var got []string
	for _, c := range s.said() {
		if strings.HasPrefix(c, "MAIL") {
			got = append(got, c)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the server heard %q, want %q", got, want)
	}

	plain := serve(t, &server{})
	r = plain.relay(nil)
	o := send(t, r, l)
	if o.State != convened.Refused || o.Cause != convened.CauseAddress || !strings.Contains(o.Reply, "the server does not offer SMTPUTF8") {
		t.Errorf("without the extension: %+v", o)
	}
	if o := send(t, r, letter()); o.State != convened.Sent || plain.asked("CONNECT") != 1 {
		t.Errorf("the next letter: %+v", o)
	}
}

func TestTLSIsVerifiedOrTheLetterWaits(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	good := ca.server(t, nil)
	old := ca.server(t, nil)
	old.MaxVersion = tls.VersionTLS11
	old.MinVersion = tls.VersionTLS10
	for _, tt := range []struct {
		name string
		mode string
		srv  *server
		ok   bool
		mend string
	}{
		{"STARTTLS", "starttls", &server{tls: good, extensions: []string{"PIPELINING"}}, true, ""},
		{"TLS from the first byte", "tls", &server{tls: good, implicit: true}, true, ""},
		{"STARTTLS stripped", "starttls", &server{}, false, "never sent in the clear"},
		{"STARTTLS refused", "starttls", &server{tls: good, rules: map[string]func(int) string{"STARTTLS": always("454 4.7.0 not now")}}, false, "TLS 1.2"},
		{"words injected before the handshake", "starttls",
			&server{tls: good, rules: map[string]func(int) string{"STARTTLS": always("220 go on\r\n250 injected")}}, false, "TLS 1.2"},
		{"expired", "starttls", &server{tls: ca.server(t, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
		})}, false, "renew the relay's certificate"},
		{"for another name", "tls", &server{implicit: true, tls: ca.server(t, func(c *x509.Certificate) {
			c.IPAddresses, c.DNSNames = nil, []string{"other.test"}
		})}, false, "a name that the certificate is for"},
		{"of a stranger", "starttls", &server{tls: stranger.server(t, nil)}, false, "authority"},
		{"TLS 1.1", "starttls", &server{tls: old}, false, "TLS 1.2"},
		{"no TLS at all", "tls", &server{}, false, "starttls"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tt.srv)
			r := s.relay(func(o *RelayOptions) { o.TLS, o.RootCAs, o.CommandTimeout = tt.mode, ca.pool, 20*time.Second })
			for range 2 {
				o := send(t, r, letter())
				if tt.ok {
					if o.State != convened.Sent {
						t.Errorf("Send = %+v", o)
					}
					continue
				}
				if o.State != convened.Planned || o.Cause != convened.CauseRelay || !o.Free || o.Phase != "tls" {
					t.Errorf("Send = %+v, want the letter to wait for the relay", o)
				}
			}
			for _, c := range s.said() {
				if !tt.ok && (strings.Contains(c, "MAIL FROM") || strings.Contains(c, "@example")) {
					t.Errorf("the server heard %q", c)
				}
			}
			_, err := r.Check(t.Context())
			if tt.ok != (err == nil) {
				t.Errorf("Check: %v", err)
			}
			if err != nil && (!strings.HasPrefix(err.Error(), "smtp.tls: ") || !strings.Contains(err.Error(), tt.mend)) {
				t.Errorf("Check: %v, want it to say %q", err, tt.mend)
			}
		})
	}
}

func TestConnectionUnderTLSCarriesManyLettersAndEndsWithQUIT(t *testing.T) {
	ca := newAuthority(t)
	s := serve(t, &server{tls: ca.server(t, nil), extensions: []string{"PIPELINING"}})
	r := s.relay(func(o *RelayOptions) { o.TLS, o.RootCAs = "starttls", ca.pool })
	for range 5 {
		if o := send(t, r, letter()); o.State != convened.Sent {
			t.Fatalf("Send = %+v", o)
		}
	}
	if s.asked("STARTTLS") != 1 || s.asked("EHLO") != 2 {
		t.Errorf("%d handshakes and %d EHLO, want 1 and 2", s.asked("STARTTLS"), s.asked("EHLO"))
	}
	r.Close()
	if got := s.endings(1); got[0] != "quit" {
		t.Errorf("the connection ended with %q", got[0])
	}
}

func TestLoginThatFailsPausesAndLosesNothing(t *testing.T) {
	for _, tt := range []struct {
		name, offer, password string
		answer                string
		cause                 convened.Cause // "": logged in
	}{
		{"PLAIN", "AUTH PLAIN LOGIN", "open sesame", usual, ""},
		{"LOGIN", "AUTH LOGIN", "open sesame", usual, ""},
		{"as servers of old offer it", "AUTH=LOGIN", "open sesame", usual, ""},
		{"wrong password", "AUTH PLAIN", "open barley", usual, convened.CauseLogin},
		{"wrong password for LOGIN", "AUTH LOGIN", "open barley", usual, convened.CauseLogin},
		{"password of an application", "AUTH PLAIN", "open sesame", "534 5.7.9 application-specific password required", convened.CauseLogin},
		{"nobody can be looked up", "AUTH PLAIN", "open sesame", "454 4.7.0 temporary authentication failure", convened.CauseRelay},
		{"an endless challenge", "AUTH PLAIN", "open sesame", "334 bW9yZQ==", convened.CauseLogin},
		{"dropped", "AUTH PLAIN", "open sesame", drop, convened.CauseRelay},
		{"unknown mechanisms", "AUTH GSSAPI NTLM", "open sesame", usual, convened.CauseLogin},
		{"no login at all", "SIZE", "open sesame", usual, convened.CauseLogin},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, &server{extensions: []string{tt.offer}, rules: map[string]func(int) string{"AUTH": always(tt.answer)}})
			var log bytes.Buffer
			r := s.relay(func(o *RelayOptions) {
				o.Username, o.Password = "relay", tt.password
				o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			o := send(t, r, letter())
			_, err := r.Check(t.Context())
			if tt.cause == "" {
				if o.State != convened.Sent || err != nil {
					t.Errorf("Send = %+v, Check: %v", o, err)
				}
			} else {
				if o.State != convened.Planned || o.Cause != tt.cause || !o.Free || o.Phase != "auth" {
					t.Errorf("Send = %+v, want it to wait: %s", o, tt.cause)
				}
				if err == nil || !strings.HasPrefix(err.Error(), "smtp.username: no login at") {
					t.Errorf("Check: %v", err)
				}
			}
			if all := fmt.Sprint(o, err, log.String()); strings.Contains(all, "sesame") || strings.Contains(all, "barley") {
				t.Errorf("the password is told: %s", all)
			}
		})
	}
}

func TestServerThatKnowsNoEHLOIsGreetedWithHELO(t *testing.T) {
	s := serve(t, &server{rules: map[string]func(int) string{"EHLO": always("502 5.5.1 what?")}})
	if o := send(t, s.relay(nil), letter()); o.State != convened.Sent {
		t.Errorf("Send = %+v", o)
	}
	if got := s.said(); got[2] != "HELO localhost" || got[3] != "MAIL FROM:<bounce+7.x@bounce.example.org>" {
		t.Errorf("the dialogue was %q", got)
	}
}

func TestRelayThatIsNotThereIsNobodysFault(t *testing.T) {
	port, err := lab.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRelay(RelayOptions{Host: "127.0.0.1", Port: port, TLS: "none", Now: func() time.Time { return testNow }})
	if err != nil {
		t.Fatal(err)
	}
	o := send(t, r, letter())
	if o.State != convened.Planned || o.Cause != convened.CauseRelay || !o.Free || o.Phase != "connect" || o.Reply == "" {
		t.Errorf("Send = %+v", o)
	}
	if _, err := r.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "see that the relay runs") {
		t.Errorf("Check: %v", err)
	}
}

func TestSendOverAUnixSocket(t *testing.T) {
	s := serve(t, &server{})
	path := t.TempDir() + "/relay"
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s.wg.Go(func() {
		if c, err := ln.Accept(); err == nil {
			s.talk(c)
		}
	})
	defer ln.Close()
	r := s.relay(func(o *RelayOptions) { o.Host, o.Port = path, 0 })
	if o := send(t, r, letter()); o.State != convened.Sent {
		t.Errorf("Send = %+v", o)
	}
	r.Close()
}

func TestNewRelayNamesEveryWrongKey(t *testing.T) {
	clock := func() time.Time { return testNow }
	_, err := NewRelay(RelayOptions{Port: 70000, TLS: "maybe", Password: "x", Connections: -1, LocalName: "a b"})
	for _, want := range []string{"clock", "smtp.host", "smtp.port", "smtp.tls", "smtp.username", "smtp.connections", "EHLO"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewRelay: %v, want it to name %s", err, want)
		}
	}
	for _, host := range []string{"relay.example.org", "192.0.2.1", "localhost.example.org"} {
		if _, err := NewRelay(RelayOptions{Host: host, Port: 25, TLS: "none", Now: clock}); err == nil || !strings.Contains(err.Error(), "smtp.tls none") {
			t.Errorf("NewRelay lets %s go without TLS: %v", host, err)
		}
	}
	for _, host := range []string{"localhost", "127.0.0.2", "::1", "/run/relay"} {
		if _, err := NewRelay(RelayOptions{Host: host, Port: 25, TLS: "none", Now: clock}); err != nil {
			t.Errorf("NewRelay(%s): %v", host, err)
		}
	}
}

func TestNothingAboveDebugHoldsAnAddress(t *testing.T) {
	var log bytes.Buffer
	s := serve(t, &server{rules: map[string]func(int) string{"RCPT": func(n int) string {
		return []string{"550 5.1.1 <ana@example.net> unknown", drop, "421 4.7.0 <ana@example.net> slower"}[n%3]
	}}})
	r := s.relay(func(o *RelayOptions) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	for range 4 {
		send(t, r, letter())
	}
	if strings.Contains(log.String(), "@") {
		t.Errorf("the log holds an address:\n%s", log.String())
	}
}
