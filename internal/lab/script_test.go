package lab

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFaultsDoWhatTheirNamesSay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fault                 string
		mail, rcpt, data, dot string // "" is an end without a reply
		recorded              int
	}{
		{"", "250 2.1.0", "250 2.1.5", "354", "250 2.0.0", 1},
		{"rcpt451", "250", "451 4.7.1", "", "", 0},
		{"rcpt452", "250", "452 4.3.1", "", "", 0},
		{"rcpt550", "250", "550 5.1.1", "", "", 0},
		{"rcpt550:to=bo@example.com", "250", "250", "354", "250", 1},
		{"rcpt550:to=@example.com", "250", "550 5.1.1", "", "", 0},
		{"mail421", "421 4.7.0", "", "", "", 0},
		{"mail530", "530 5.7.0", "", "", "", 0},
		{"dot-451", "250", "250", "354", "451 4.3.0", 0},
		{"dot-554", "250", "250", "354", "554 5.7.1", 0},
		{"dot-accept-drop", "250", "250", "354", "", 1},
		{"dot-drop-before-accept", "250", "250", "354", "", 0},
		{"dot-delay:delay=1ms", "250", "250", "354", "250", 1},
		{"tarpit:delay=10us", "250", "250", "354", "250", 1},
		{"rset-drop", "250", "250", "354", "250", 1},
		{"drop-mail", "", "", "", "", 0},
		{"drop-rcpt", "250", "", "", "", 0},
		{"drop-data", "250", "250", "", "", 0},
		{"drop-body", "250", "250", "354", "", 0},
		{"drop-dot", "250", "250", "354", "", 0},
	} {
		t.Run(test.fault, func(t *testing.T) {
			t.Parallel()
			script, err := ParseScript(test.fault)
			if err != nil {
				t.Fatal(err)
			}
			s := sink(t, SMTPOptions{Script: script})
			c := greeted(t, s)
			c.deliver("ana@example.com", letter, test.mail, test.rcpt, test.data, test.dot)
			if got := s.Count(); got != test.recorded {
				t.Errorf("got %d recorded, want %d", got, test.recorded)
			}
			switch {
			case strings.HasPrefix(test.mail, "421"):
				c.wantEnd()
			case test.fault == "rset-drop":
				c.say("RSET")
				c.wantEnd()
			}
		})
	}
}

func TestDropsBeforeTheFirstCommand(t *testing.T) {
	t.Parallel()
	for _, phase := range []Phase{AtConnect, AtGreeting} {
		dial(t, sink(t, SMTPOptions{Script: DropAt(phase)})).wantEnd()
	}
	c := dial(t, sink(t, SMTPOptions{Script: DropAt(AtEHLO)}))
	c.want("220")
	c.say("EHLO me")
	c.wantEnd()
	for _, phase := range []Phase{AtNoop, AtQuit} {
		c := greeted(t, sink(t, SMTPOptions{Script: DropAt(phase)}))
		c.say(strings.ToUpper(string(phase)))
		c.wantEnd()
	}
}

func TestAGreetingThatRefusesEndsTheConnection(t *testing.T) {
	t.Parallel()
	for _, phase := range []Phase{AtConnect, AtGreeting} {
		for _, code := range []int{421, 554} {
			c := dial(t, sink(t, SMTPOptions{Script: At(phase, Answer(code, "", "Not today"))}))
			c.want(fmt.Sprintf("%d Not today", code))
			c.wantEnd()
		}
	}
}

func TestAbortResetsTheConnection(t *testing.T) {
	t.Parallel()
	c := greeted(t, sink(t, SMTPOptions{Script: At(AtMail, Reaction{Abort: true})}))
	c.say("MAIL FROM:<>")
	if _, err := io.ReadAll(c.in); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want %v", err, syscall.ECONNRESET)
	}
}

func TestStallNeverAnswersAndSeesTheClientGo(t *testing.T) {
	t.Parallel()
	s := sink(t, SMTPOptions{Script: StallGreet()})
	c := dial(t, s)
	c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if b, err := c.in.ReadByte(); err == nil {
		t.Errorf("got %q, want nothing", b)
	}
	c.Conn.Close()
	eventually(t, "the server sees the client go", func() bool { _, open := s.Connections(); return open == 0 })
}

func TestPausesEndWhenTheClientGoes(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]Reaction{"delay": {Delay: time.Hour}, "drip": {Drip: time.Hour}} {
		s := sink(t, SMTPOptions{Script: At(AtDot, r)})
		c := greeted(t, s)
		c.say("MAIL FROM:<>", "RCPT TO:<ana@example.com>", "DATA")
		c.want("250", "250", "354")
		c.say(letter, ".")
		// The letter is taken before the wait, as a slow server takes it: a
		// client that gives up has been served.
		if err := s.Wait(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		c.Conn.Close()
		eventually(t, name+" ends", func() bool { _, open := s.Connections(); return open == 0 })
	}
}

func TestDelayWaitsAndWhatCameMeanwhileIsNotLost(t *testing.T) {
	t.Parallel()
	const delay = 30 * time.Millisecond
	c := greeted(t, sink(t, SMTPOptions{Script: At(AtMail, Reaction{Delay: delay})}))
	start := time.Now()
	c.say("MAIL FROM:<>", "RCPT TO:<ana@example.com>")
	c.want("250 2.1.0")
	if took := time.Since(start); took < delay {
		t.Errorf("MAIL took %v, want at least %v", took, delay)
	}
	c.want("250 2.1.5")
}

func TestTarpitDripsItsBytes(t *testing.T) {
	t.Parallel()
	const pause = 2 * time.Millisecond
	s := sink(t, SMTPOptions{Script: Tarpit(pause)})
	start := time.Now() // it drips from the accept on
	c := dial(t, s)
	line := c.line()
	if want := time.Duration(len(line)) * pause; time.Since(start) < want {
		t.Errorf("%d bytes took %v, want at least %v", len(line), time.Since(start), want)
	}
}

func TestScriptSeesEachStep(t *testing.T) {
	t.Parallel()
	var steps []string
	s := sink(t, SMTPOptions{Users: map[string]string{"u": "p"}, AuthInClear: true, Script: func(s Step) Reaction {
		line := fmt.Sprintf("%s %d %d %s %s %s %d", s.Phase, s.Conn, s.Transaction, s.User, s.From, s.To, s.Attempt)
		if s.Message != nil {
			line += fmt.Sprintf(" %q", s.Message.Raw)
		}
		steps = append(steps, line)
		return Reaction{}
	}})
	c := greeted(t, s)
	c.say("AUTH PLAIN AHUAcA==")
	c.want("235")
	c.deliver("ana@example.com", "Hi", "250", "250", "354", "250")
	c.say("RSET", "MAIL FROM:<>", "RCPT TO:<ana@example.com>", "NOOP")
	c.want("250", "250", "250", "250")
	c.say("QUIT")
	c.want("221")
	c.wantEnd()
	want := []string{
		"connect 1 0    0", "greeting 1 0    0", "ehlo 1 0    0", "auth 1 0 u   0",
		"mail 1 1 u from@example.org  0", "rcpt 1 1 u from@example.org ana@example.com 1", "data 1 1 u from@example.org ana@example.com 1",
		"body 1 1 u from@example.org ana@example.com 1", `dot 1 1 u from@example.org ana@example.com 1 "Hi\r\n"`,
		"rset 1 1 u   0", "mail 1 2 u   0", "rcpt 1 2 u  ana@example.com 2", "noop 1 2 u   0", "quit 1 2 u   0",
	}
	if !slices.Equal(steps, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(steps, "\n"), strings.Join(want, "\n"))
	}
}

func TestScriptsCanBeChangedWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	s := sink(t, SMTPOptions{Script: Rcpt550()})
	c := greeted(t, s)
	c.deliver("ana@example.com", letter, "250", "550", "", "")
	s.SetScript(nil)
	c.say("RSET")
	c.want("250")
	c.deliver("ana@example.com", letter, "250", "250", "354", "250")
}

func TestAReplyOfTheScriptStandsForTheUsualOne(t *testing.T) {
	t.Parallel()
	s := sink(t, SMTPOptions{Script: First(
		At(AtMail, Answer(250, "2.1.0", "first line\nsecond line")),
		At(AtDot, Answer(250, "2.6.0", "")),
		At(AtData, Answer(354, "", "go on")))})
	c := greeted(t, s)
	c.say("MAIL FROM:<>")
	c.want("250-2.1.0 first line", "250 2.1.0 second line")
	c.say("RCPT TO:<ana@example.com>")
	c.want("250 2.1.5 Ok")
	c.say("DATA")
	c.want("354 go on")
	c.say(letter, ".")
	c.want("250 2.6.0 Ok: queued as ")
	if s.Count() != 1 {
		t.Errorf("got %d letters, want 1", s.Count())
	}
}

func TestSometimesFollowsFromItsSeedAlone(t *testing.T) {
	t.Parallel()
	const n, p = 20000, 0.3
	count := func(seed uint64, phase Phase) (hits []int) {
		script := Sometimes(p, seed, At(phase, Reaction{Drop: true}))
		for i := range n {
			step := Step{Phase: phase, To: fmt.Sprintf("person%d@example.com", i), Attempt: 1}
			if phase == AtMail {
				step = Step{Phase: phase, Conn: i % 8, Transaction: i / 8}
			}
			if script(step).Drop {
				hits = append(hits, i)
			}
		}
		return hits
	}
	for _, phase := range []Phase{AtRcpt, AtMail} {
		first := count(1, phase)
		// Six standard deviations of the binomial distribution are 389.
		if got, want := len(first), int(p*n); got < want-389 || got > want+389 {
			t.Errorf("%s: got %d of %d, want about %d", phase, got, n, want)
		}
		if !slices.Equal(first, count(1, phase)) {
			t.Errorf("%s: the same seed drew otherwise", phase)
		}
		if slices.Equal(first, count(2, phase)) {
			t.Errorf("%s: another seed drew the same", phase)
		}
	}
	again := 0
	script := Rcpt451(p, 1)
	for attempt := range n {
		if script(Step{Phase: AtRcpt, To: "ana@example.com", Attempt: attempt}) != (Reaction{}) {
			again++
		}
	}
	if again < int(p*n)-389 || again > int(p*n)+389 {
		t.Errorf("attempts of one person: got %d of %d", again, n)
	}
	for p, want := range map[float64]int{0: 0, 1: n} {
		hits := 0
		script := Sometimes(p, 3, Rcpt550())
		for i := range n {
			if script(Step{Phase: AtRcpt, To: fmt.Sprint(i), Attempt: 1}) != (Reaction{}) {
				hits++
			}
		}
		if hits != want {
			t.Errorf("p = %v: got %d of %d", p, hits, n)
		}
	}
}

func TestUntilAndTimesEnd(t *testing.T) {
	t.Parallel()
	script, err := ParseScript("rcpt451:until=2 dot-554:times=1")
	if err != nil {
		t.Fatal(err)
	}
	c := greeted(t, sink(t, SMTPOptions{Script: script}))
	for _, to := range []string{"ana@example.com", "bo@example.com"} {
		for range 2 {
			c.deliver(to, letter, "250", "451", "", "")
			c.say("RSET")
			c.want("250")
		}
	}
	c.deliver("ana@example.com", letter, "250", "250", "354", "554")
	c.deliver("ana@example.com", letter, "250", "250", "354", "250")
	c.deliver("bo@example.com", letter, "250", "250", "354", "250")
}

func TestParseScriptSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"rcpt999":          `no fault "rcpt999"`,
		"drop-lunch":       `no fault "drop-lunch"`,
		"rcpt451:q=1":      `there is no "q"`,
		"rcpt451:p":        "p wants a value",
		"rcpt451:p=2":      "p=2 is not a probability",
		"rcpt451:p=NaN":    "p=NaN is not a probability",
		"rcpt451:seed=-1":  "seed=-1 is not a whole number",
		"rcpt451:until=x":  "until=x is not a whole number",
		"rcpt451:times=":   "times wants a value",
		"dot-delay:delay=": "delay wants a value",
		"tarpit:delay=-1s": "delay=-1s is not a duration",
	} {
		if _, err := ParseScript(script); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", script, err, want)
		}
	}
	for _, name := range FaultNames() {
		script, err := ParseScript(name)
		if err != nil || script == nil {
			t.Errorf("%s: got %v, a script %v", name, err, script != nil)
			continue
		}
		reacts := func(phase Phase) bool {
			return script(Step{Phase: phase, To: "ana@example.com", Attempt: 1}) != (Reaction{})
		}
		if !slices.ContainsFunc(Phases(), reacts) {
			t.Errorf("%s: reacts at no phase", name)
		}
	}
	if script, err := ParseScript("  "); script != nil || err != nil {
		t.Errorf("nothing: got a script %v, %v", script != nil, err)
	}
}

func TestToDomainMatchesWholeDomains(t *testing.T) {
	t.Parallel()
	match := ToDomain("example.com")
	for to, want := range map[string]bool{
		"ana@example.com": true, "ana@EXAMPLE.com": true, "ana@badexample.com": false, "ana@sub.example.com": false, "example.com": false, "": false,
	} {
		if got := match(to); got != want {
			t.Errorf("%s: got %v, want %v", to, got, want)
		}
	}
}
