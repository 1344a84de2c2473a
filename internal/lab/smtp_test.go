package lab

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// sink starts a mail server for a test.
func sink(t testing.TB, o SMTPOptions) *SMTP {
	t.Helper()
	s, err := StartSMTP(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A client speaks to a server line by line, as the test wants it.
type client struct {
	testing.TB
	net.Conn
	in *bufio.Reader
}

func dial(t testing.TB, s *SMTP) *client {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{t, conn, bufio.NewReader(conn)}
}

// greeted is dial with the greeting and EHLO behind it.
func greeted(t testing.TB, s *SMTP) *client {
	t.Helper()
	c := dial(t, s)
	c.want("220 sink.test ESMTP ready")
	c.say("EHLO client.test")
	for line := c.line(); strings.HasPrefix(line, "250-"); line = c.line() {
	}
	return c
}

// say writes lines, in one packet.
func (c *client) say(lines ...string) {
	c.Helper()
	if _, err := io.WriteString(c.Conn, strings.Join(lines, "\r\n")+"\r\n"); err != nil {
		c.Fatalf("say %q: %v", lines, err)
	}
}

// line reads one line of a reply.
func (c *client) line() string {
	c.Helper()
	line, err := c.in.ReadString('\n')
	if err != nil {
		c.Fatalf("read a reply: %v (got %q)", err, line)
	}
	return strings.TrimSuffix(line, "\r\n")
}

// want reads one line for each of the beginnings.
func (c *client) want(beginnings ...string) {
	c.Helper()
	for _, want := range beginnings {
		if got := c.line(); !strings.HasPrefix(got, want) {
			c.Errorf("got %q, want %q", got, want)
		}
	}
}

// wantEnd reads the end of the connection; what comes before it is an error.
func (c *client) wantEnd() {
	c.Helper()
	b, err := io.ReadAll(c.in)
	if len(b) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		c.Errorf("got %q, %v, want the end of the connection", b, err)
	}
}

// deliver sends one letter, and wants each command to be answered with the given codes.
func (c *client) deliver(to, letter string, mail, rcpt, data, dot string) {
	c.Helper()
	for _, step := range []struct{ say, want string }{
		{"MAIL FROM:<from@example.org>", mail},
		{"RCPT TO:<" + to + ">", rcpt},
		{"DATA", data},
		{letter + "\r\n.", dot},
	} {
		c.say(step.say)
		if step.want == "" {
			c.wantEnd()
			return
		}
		c.want(step.want)
		if step.want[0] > '3' {
			return
		}
	}
}

const letter = "Subject: Hi\r\n\r\nHello"

func TestServerRecordsWhatItAcceptsByteForByte(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)
	s := sink(t, SMTPOptions{Now: func() time.Time { return now }})
	c := greeted(t, s)
	c.say("MAIL FROM:<bounce+7@example.org> BODY=8BITMIME SIZE=100")
	c.want("250 2.1.0")
	c.say("RCPT TO:<ana@example.com>", "RCPT TO:<bo@example.com>")
	c.want("250 2.1.5", "250 2.1.5")
	c.say("DATA")
	c.want("354 ")
	raw := "Subject: caf\xc3\xa9\r\n\r\n.dot\r\n..\r\nbare\nfeed\n.\nbare\rreturn\r\n\x00\xff\r\n\r\n"
	if _, err := io.WriteString(c, "Subject: caf\xc3\xa9\r\n\r\n..dot\r\n...\r\nbare\nfeed\n.\nbare\rreturn\r\n\x00\xff\r\n\r\n.\r\n"); err != nil {
		t.Fatal(err)
	}
	reply := c.line()
	all := s.Messages()
	if len(all) != 1 {
		t.Fatalf("got %d messages, want 1", len(all))
	}
	got := all[0]
	if want := "250 2.0.0 Ok: queued as " + got.ID; reply != want || got.ID == "" {
		t.Errorf("got reply %q, want %q", reply, want)
	}
	if string(got.Raw) != raw || got.Size != len(raw) {
		t.Errorf("got %d bytes:\n%q\nwant %d:\n%q", got.Size, got.Raw, len(raw), raw)
	}
	got.Raw, got.ID = nil, ""
	want := Message{Number: 1, From: "bounce+7@example.org", To: []string{"ana@example.com", "bo@example.com"},
		Parameters: "BODY=8BITMIME SIZE=100", Size: len(raw), At: now, Conn: 1, Hello: "client.test"}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	// The next transaction knows nothing of this one.
	c.say("RCPT TO:<ana@example.com>", "MAIL FROM:<>")
	c.want("503 5.5.1", "250 2.1.0")
	c.say("QUIT")
	c.want("221 2.0.0")
	c.wantEnd()
}

func TestLetterIsTheSameHoweverItIsCutIntoPieces(t *testing.T) {
	t.Parallel()
	// Long lines, and every border near a multiple of the read buffer.
	for _, length := range []int{0, 1, readBuffer - 3, readBuffer - 2, readBuffer - 1, readBuffer, readBuffer + 1, 3*readBuffer - 1} {
		for _, start := range []string{"", "."} {
			t.Run(fmt.Sprint(start, length), func(t *testing.T) {
				t.Parallel()
				s := sink(t, SMTPOptions{})
				c := greeted(t, s)
				raw := start + strings.Repeat("x", length) + "\r\n.leading\r\n" + strings.Repeat("y", length) + "\r\r\n"
				c.say("MAIL FROM:<>", "RCPT TO:<ana@example.com>", "DATA")
				c.want("250", "250", "354")
				stuffed := strings.TrimPrefix(strings.ReplaceAll("\r\n"+raw, "\r\n.", "\r\n.."), "\r\n") + ".\r\n"
				for chunk := range slices.Chunk([]byte(stuffed), max(1, len(stuffed)/3)) {
					if _, err := c.Write(chunk); err != nil {
						t.Fatal(err)
					}
				}
				c.want("250")
				if got := string(s.Messages()[0].Raw); got != raw {
					t.Errorf("got %d bytes, want %d; they differ", len(got), len(raw))
				}
			})
		}
	}
}

func TestServerOffersWhatItWasTold(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		extensions []string
		want       []string
	}{
		{"default", nil, []string{"250-sink.test greets me", "250-PIPELINING", "250-8BITMIME", "250-SMTPUTF8", "250-ENHANCEDSTATUSCODES", "250 SIZE 33554432"}},
		{"nothing", []string{}, []string{"250 sink.test greets me"}},
		{"one", []string{"SIZE 1000"}, []string{"250-sink.test greets me", "250 SIZE 1000"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := dial(t, sink(t, SMTPOptions{Extensions: test.extensions}))
			c.want("220")
			c.say("EHLO me")
			c.want(test.want...)
			c.say("HELO me")
			c.want("250 sink.test greets me")
		})
	}
}

func TestServerHoldsClientsToWhatItOffers(t *testing.T) {
	t.Parallel()
	type exchange struct{ say, want string }
	all := DefaultExtensions()
	for _, test := range []struct {
		name       string
		extensions []string
		exchanges  []exchange
	}{
		{"order", all, []exchange{
			{"RCPT TO:<a@b>", "503 5.5.1"}, {"DATA", "503 5.5.1"}, {"MAIL FROM:<a@b>", "250"}, {"MAIL FROM:<a@b>", "503 5.5.1"},
			{"DATA", "554 5.5.1"}, {"RSET", "250"}, {"RCPT TO:<a@b>", "503"}}},
		{"syntax", all, []exchange{
			{"WHAT", "502 5.5.2"}, {"MAIL", "501"}, {"MAIL FROM:a@b", "501"}, {"MAIL FROM:<a@b", "501"}, {"MAIL FROM:<@x:a@b>", "501"},
			{"mail from: <\"a>\\\"b\"@c>", "250"}, {"RCPT TO:<>", "501"}, {"rcpt to:<a@b>", "250"}, {"DATA now", "501"}, {"noop", "250"}}},
		{"parameters", all, []exchange{
			{"MAIL FROM:<a@b> WHAT=1", "555 5.5.4"}, {"MAIL FROM:<a@b> SIZE=x", "501"}, {"MAIL FROM:<a@b> SIZE=99999999", "552 5.3.4"},
			{"MAIL FROM:<a@b> BODY=BINARYMIME", "501"}, {"MAIL FROM:<é@b>", "553 5.6.7"}, {"MAIL FROM:<é@b> SMTPUTF8", "250"},
			{"RCPT TO:<ñ@b>", "250"}, {"RCPT TO:<a@b> NOTIFY=NEVER", "555"}}},
		{"without SMTPUTF8", []string{"8BITMIME"}, []exchange{
			{"MAIL FROM:<a@b> SMTPUTF8", "555 "}, {"MAIL FROM:<a@b> SIZE=1", "555 "}, {"MAIL FROM:<a@b>", "250 Ok"}, {"RCPT TO:<ñ@b>", "553 The"}}},
		{"no AUTH, no TLS", all, []exchange{{"AUTH PLAIN AGEAYg==", "502"}, {"STARTTLS", "502"}}},
		{"no bare line feed", all, []exchange{{"NOOP\nNOOP", "500 5.5.2"}}},
		{"no endless line", all, []exchange{{"NOOP " + strings.Repeat("x", 3*readBuffer), "500 5.5.2"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := greeted(t, sink(t, SMTPOptions{Extensions: test.extensions}))
			for _, x := range test.exchanges {
				c.say(x.say)
				if got := c.line(); !strings.HasPrefix(got, x.want) {
					t.Errorf("%.60q: got %q, want %q", x.say, got, x.want)
				}
			}
		})
	}
}

func TestServerAnswersAPipelineInOrder(t *testing.T) {
	t.Parallel()
	s := sink(t, SMTPOptions{})
	c := greeted(t, s)
	c.say("MAIL FROM:<a@b>", "RCPT TO:<one@example.com>", "DATA")
	c.want("250 2.1.0", "250 2.1.5", "354")
	// A letter may be followed by the next envelope (RFC 2920 3.1).
	c.say("first", ".", "MAIL FROM:<a@b>", "RCPT TO:<two@example.com>", "DATA")
	c.want("250 2.0.0", "250 2.1.0", "250 2.1.5", "354")
	c.say("second", ".", "RSET", "QUIT")
	c.want("250 2.0.0", "250 2.0.0", "221")
	c.wantEnd()
	var got []string
	for _, m := range s.Messages() {
		got = append(got, m.To[0]+" "+string(m.Raw))
	}
	if want := []string{"one@example.com first\r\n", "two@example.com second\r\n"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestServerRefusesAPipelineThatIsNoneOfItsBusiness(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		extensions []string
		lines      []string
	}{
		{"not offered", []string{}, []string{"MAIL FROM:<a@b>", "RCPT TO:<c@d>"}},
		{"a letter before 354", DefaultExtensions(), []string{"MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", "hello", "."}},
		{"after NOOP", DefaultExtensions(), []string{"NOOP", "NOOP"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := sink(t, SMTPOptions{Extensions: test.extensions})
			c := greeted(t, s)
			c.say(test.lines...)
			var last string
			for line, err := c.in.ReadString('\n'); err == nil; line, err = c.in.ReadString('\n') {
				last = line
			}
			if !strings.HasPrefix(last, "503 ") || !strings.Contains(last, "Improper use of command pipelining") {
				t.Errorf("got %q last, want 503", last)
			}
			if n := s.Count(); n != 0 {
				t.Errorf("got %d letters, want none", n)
			}
		})
	}
}

func TestServerRefusesALetterBeyondItsSize(t *testing.T) {
	t.Parallel()
	s := sink(t, SMTPOptions{Extensions: []string{"SIZE 100", "ENHANCEDSTATUSCODES"}})
	c := greeted(t, s)
	c.deliver("ana@example.com", strings.Repeat("x", 99), "250", "250", "354", "552 5.3.4")
	c.deliver("ana@example.com", strings.Repeat("x", 98), "250", "250", "354", "250 2.0.0")
	if n := s.Count(); n != 1 {
		t.Errorf("got %d letters, want 1", n)
	}
}

func TestServerKeepsAsMuchAsItWasTold(t *testing.T) {
	t.Parallel()
	long := "Subject: Hi\r\nX-Convened-Kind: reminder\r\n\r\nHello\r\n\r\nBye"
	for _, test := range []struct {
		keep    Keep
		discard bool
		want    string
		kept    int
	}{
		{KeepEverything, false, long + "\r\n", 1},
		{KeepHeaders, false, "Subject: Hi\r\nX-Convened-Kind: reminder\r\n\r\n", 1},
		{KeepEverything, true, long + "\r\n", 0},
		{KeepNothing, false, "", 0},
	} {
		var told []Message
		s := sink(t, SMTPOptions{Keep: test.keep, Discard: test.discard, OnAccept: func(m Message) { told = append(told, m) }})
		c := greeted(t, s)
		c.deliver("ana@example.com", long, "250", "250", "354", "250")
		if len(told) != 1 || string(told[0].Raw) != test.want || told[0].Size != len(long)+2 {
			t.Errorf("keep %d: was told %+v, want %q", test.keep, told, test.want)
		}
		if got := len(s.Messages()); got != test.kept || s.Count() != 1 {
			t.Errorf("keep %d: got %d kept of %d, want %d of 1", test.keep, got, s.Count(), test.kept)
		}
	}
}

func TestOnAcceptIsToldBeforeTheClient(t *testing.T) {
	t.Parallel()
	told := make(chan string)
	s := sink(t, SMTPOptions{OnAccept: func(m Message) { told <- m.To[0] }})
	c := greeted(t, s)
	c.say("MAIL FROM:<>", "RCPT TO:<ana@example.com>", "DATA")
	c.want("250", "250", "354")
	c.say(letter, ".")
	if got := <-told; got != "ana@example.com" {
		t.Errorf("got %q", got)
	}
	c.want("250")
}

func TestWaitReturnsWhenEnoughCameOrTheContextEnds(t *testing.T) {
	t.Parallel()
	s := sink(t, SMTPOptions{})
	done := make(chan error)
	go func() { done <- s.Wait(t.Context(), 2) }()
	c := greeted(t, s)
	for range 2 {
		c.deliver("ana@example.com", letter, "250", "250", "354", "250")
	}
	if err := <-done; err != nil {
		t.Errorf("wait for two: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- s.Wait(ctx, 3) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "2 came") {
		t.Errorf("wait for three: got %v, want %v and how many came", err, context.Canceled)
	}
	s.Forget()
	if n := s.Count() + len(s.Messages()); n != 0 {
		t.Errorf("after Forget: got %d", n)
	}
	go func() {
		done <- s.WaitFor(t.Context(), func(all []Message, count int) bool {
			return slices.ContainsFunc(all, func(m Message) bool { return m.To[0] == "bo@example.com" })
		})
	}()
	c.deliver("bo@example.com", letter, "250", "250", "354", "250")
	if err := <-done; err != nil {
		t.Errorf("wait for Bo: %v", err)
	}
	if m := s.Messages()[0]; m.Number != 3 || !strings.HasSuffix(m.ID, "000003") {
		t.Errorf("got number %d and queue id %s, want both to go on after Forget", m.Number, m.ID)
	}
}

func TestRefuseAndResumeAtTheSameAddress(t *testing.T) {
	t.Parallel()
	s := sink(t, SMTPOptions{})
	c := greeted(t, s)
	for range 2 {
		if err := s.Refuse(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := net.Dial("tcp", s.Addr()); err == nil {
		t.Error("a server that refuses took a connection")
	}
	c.deliver("ana@example.com", letter, "250", "250", "354", "250") // who is in stays in
	for range 2 {
		if err := s.Resume(); err != nil {
			t.Fatal(err)
		}
	}
	greeted(t, s)
	if ever, open := s.Connections(); ever != 2 || open != 2 {
		t.Errorf("got %d connections, %d open, want 2 and 2", ever, open)
	}
	s.Cut()
	c.wantEnd()
	greeted(t, s) // and the server goes on
}

// A child has the listener too until its exec, and others start children all the
// time: the kernel then took connections for a server that had closed, once in a
// hundred times.
func TestRefuseHoldsWhileChildrenStart(t *testing.T) {
	t.Parallel()
	s := sink(t, SMTPOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	var children sync.WaitGroup
	defer children.Wait()
	defer cancel()
	children.Go(func() {
		for ctx.Err() == nil {
			_ = exec.CommandContext(ctx, "true").Run()
		}
	})
	for i := range 1000 {
		if err := s.Refuse(); err != nil {
			t.Fatal(err)
		}
		if c, err := net.Dial("tcp", s.Addr()); err == nil {
			_ = c.Close()
			t.Fatalf("after %d times a server that refuses took a connection", i)
		}
		if err := s.Resume(); err != nil {
			t.Fatalf("after %d times: %v", i, err)
		}
	}
}

func TestCloseEndsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	s := sink(t, SMTPOptions{Script: First(
		For(ToAddress("stall@example.com"), At(AtRcpt, Reaction{Stall: true})),
		For(ToAddress("delay@example.com"), At(AtRcpt, Reaction{Delay: time.Hour})),
		For(ToAddress("drip@example.com"), At(AtRcpt, Reaction{Drip: time.Hour})))})
	var clients []*client
	for _, to := range []string{"stall", "delay", "drip"} {
		c := greeted(t, s)
		c.say("MAIL FROM:<>")
		c.want("250")
		c.say("RCPT TO:<" + to + "@example.com>")
		if to == "drip" {
			if b, err := c.in.ReadByte(); err != nil || b != '2' {
				t.Errorf("drip: got %q, %v", b, err)
			}
		}
		clients = append(clients, c)
	}
	// More than can be held comes after the delay began.
	if _, err := clients[1].Write(bytes.Repeat([]byte("NOOP\r\n"), readBuffer)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		c.wantEnd()
	}
	if err := s.Close(); err != nil {
		t.Errorf("close twice: %v", err)
	}
	if err := s.Resume(); err == nil {
		t.Error("a closed server was resumed")
	}
}

func TestTranscriptHoldsTheDialogueWithoutLettersAndPasswords(t *testing.T) {
	t.Parallel()
	var transcript bytes.Buffer
	s := sink(t, SMTPOptions{Transcript: &transcript, Users: map[string]string{"u": "hunter2"}, AuthInClear: true})
	c := greeted(t, s)
	c.say("AUTH PLAIN AHUAaHVudGVyMg==")
	c.want("235")
	c.deliver("ana@example.com", "Subject: private", "250", "250", "354", "250")
	c.say("QUIT")
	c.want("221")
	c.wantEnd()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got := transcript.String()
	for _, want := range []string{"1 S: 220 sink.test", "1 C: EHLO client.test", "1 C: AUTH …", "1 S: 235 2.7.0", "1 C: RCPT TO:<ana@example.com>", "1 *: recorded ", "1 S: 221 2.0.0 Bye"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	for _, not := range []string{"AHUAaHVudGVyMg", "private"} {
		if strings.Contains(got, not) {
			t.Errorf("%q is in\n%s", not, got)
		}
	}
}

// BenchmarkSMTP measures letters a second over eight connections, pipelined,
// without keeping them.
func BenchmarkSMTP(b *testing.B) {
	s := sink(b, SMTPOptions{Keep: KeepNothing})
	const conns = 8
	body := strings.Repeat(strings.Repeat("x", 74)+"\r\n", 13) // about 1 kB
	next := "MAIL FROM:<bounce@example.org>\r\nRCPT TO:<ana@example.com>\r\nDATA\r\n"
	b.SetBytes(int64(len(body)))
	done := make(chan error)
	b.ResetTimer()
	for i := range conns {
		n := (b.N + i) / conns
		conn := greeted(b, s)
		conn.SetDeadline(time.Time{})
		go func() {
			done <- func() error {
				write := next
				for i := range n + 1 {
					if i == n { // the last letter is on its way
						write = strings.TrimSuffix(write, next) + "QUIT\r\n"
					}
					if _, err := io.WriteString(conn, write); err != nil {
						return err
					}
					for last := byte(0); last != '3'; {
						line, err := conn.in.ReadSlice('\n')
						if i == n && err == io.EOF {
							return nil
						}
						if err != nil {
							return err
						}
						last = line[0]
					}
					write = body + ".\r\n" + next
				}
				return nil
			}()
		}()
	}
	for range conns {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	if got := s.Count(); got != b.N {
		b.Errorf("got %d letters, want %d", got, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "letters/s")
}
