//go:build linux

package mailer

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"convened"
	"convened/internal/lab"
)

// TestOutcomesTellTheTruthInAStorm sends many letters through a server that
// misbehaves at every phase, and then asks the server what it has taken:
//
//   - sent, and it has the letter, once and byte for byte;
//   - unknown, and it may have it;
//   - anything else, and it has not.
func TestOutcomesTellTheTruthInAStorm(t *testing.T) {
	ca, err := lab.NewCA(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]lab.SMTPOptions{
		"pipelined":      {},
		"kept":           {},
		"step by step":   {Extensions: []string{"SIZE 33554432", "ENHANCEDSTATUSCODES"}},
		"under STARTTLS": {TLS: lab.StartTLS, Certificate: cert, Users: map[string]string{"relay": "open sesame"}, RequireAuth: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Script = storm()
			s, err := lab.StartSMTP(o)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			opts := RelayOptions{Host: "127.0.0.1", Port: s.Port(), TLS: "none", Connections: 6, CommandTimeout: 20 * time.Second,
				DataTimeout: 20 * time.Second, DotTimeout: 20 * time.Second, Now: func() time.Time { return testNow }}
			if o.TLS == lab.StartTLS {
				opts.TLS, opts.RootCAs, opts.Username, opts.Password = "starttls", ca.Pool(), "relay", "open sesame"
			}
			if name == "kept" {
				opts.Keeper = &shelf{}
			}
			r, err := NewRelay(opts)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			outcomes := sendThrough(t, r, 600)
			taken := map[string][]lab.Message{}
			for _, m := range s.Messages() {
				taken[m.To[0]] = append(taken[m.To[0]], m)
			}
			compare(t, outcomes, taken)
		})
	}
}

// storm has something go wrong at each phase now and then, the same in each run.
func storm() lab.Script {
	var scripts []lab.Script
	add := func(script lab.Script) {
		scripts = append(scripts, lab.Sometimes(0.015, uint64(len(scripts)), script))
	}
	for _, phase := range []lab.Phase{lab.AtConnect, lab.AtGreeting, lab.AtEHLO, lab.AtMail, lab.AtRcpt, lab.AtData, lab.AtBody, lab.AtDot, lab.AtReset} {
		add(lab.DropAt(phase))
		add(lab.At(phase, lab.Reaction{Abort: true}))
	}
	for _, phase := range []lab.Phase{lab.AtMail, lab.AtRcpt, lab.AtData, lab.AtDot} {
		add(lab.At(phase, lab.Answer(421, "4.3.2", "closing")))
		add(lab.At(phase, lab.Answer(451, "4.3.0", "later")))
		add(lab.At(phase, lab.Answer(550, "5.7.1", "never")))
	}
	add(lab.Rcpt550())
	add(lab.DotAcceptDrop())
	add(lab.At(lab.AtDot, lab.Reaction{Abort: true, Accept: true}))
	add(lab.DotDelay(30 * time.Millisecond))
	return lab.First(scripts...)
}

func stormLetter(i int) *Letter {
	l := letter()
	l.Notice, l.To = convened.NoticeID(i), fmt.Sprintf("reader%d@example.net", i)
	l.Data = fmt.Appendf(nil, "To: <%s>\r\n\r\n.\r\n..\r\n%s", l.To, bytes.Repeat([]byte("a line of the letter\r\n"), i%200))
	return l
}

// sendThrough sends n letters by 12 hands, some of which lose patience, and which
// look ahead, but for every tenth letter that they saw there, which another sends.
func sendThrough(t *testing.T, r *Relay, n int) map[string]convened.Outcome {
	t.Helper()
	var mu sync.Mutex
	outcomes := map[string]convened.Outcome{}
	work := make(chan int)
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			line := r.Line()
			defer line.Leave()
			var l, following *Letter
			next := func() *Letter {
				select {
				case i, open := <-work:
					if open {
						following = stormLetter(i)
						following.Ready()
					}
				default:
				}
				return following
			}
			for {
				if l, following = following, nil; l == nil {
					i, open := <-work
					if !open {
						return
					}
					l = stormLetter(i)
				}
				i := int(l.Notice)
				patience := 30 * time.Second
				if i%20 == 0 {
					patience = time.Duration(i%7) * time.Millisecond
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				send := func() convened.Outcome { return line.Send(ctx, l, next) }
				if i%10 == 9 {
					send = func() convened.Outcome { line.Leave(); return r.Send(ctx, l) }
				}
				o := send()
				cancel()
				mu.Lock()
				outcomes[l.To] = o
				mu.Unlock()
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	wg.Wait()
	return outcomes
}

func compare(t *testing.T, outcomes map[string]convened.Outcome, taken map[string][]lab.Message) {
	t.Helper()
	states := map[convened.State]int{}
	for to, o := range outcomes {
		states[o.State]++
		has := taken[to]
		if len(has) > 1 {
			t.Errorf("%s got %d letters", to, len(has))
		}
		for _, m := range has {
			if !bytes.Equal(m.Raw, stormLetter(int(o.Notice)).Data) {
				t.Errorf("%s got another letter: %.80q", to, m.Raw)
			}
		}
		switch {
		case o.State == convened.Sent && len(has) == 0:
			t.Errorf("%s: sent, and the server has nothing: %+v", to, o)
		case o.State != convened.Sent && o.State != convened.Unknown && len(has) > 0:
			t.Errorf("%s: the server has it: %+v", to, o)
		}
	}
	// The storm must have been one.
	for _, s := range []convened.State{convened.Sent, convened.Planned, convened.Refused, convened.Unknown} {
		if states[s] == 0 {
			t.Errorf("no letter came to be %s: %v", s, states)
		}
	}
}
