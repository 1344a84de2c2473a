//go:build postfix && unix

package main

import (
	"bytes"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"convened/internal/lab"
)

// A postfix is a real Postfix on ports of its own, with a configuration and a
// queue in a directory of its own. The machine's, if it has one, is left alone.
// Postfix has to be started by root; the tests that need it have a build tag, and
// `make postfix` runs them.
type postfix struct {
	dir  string
	port int // of its SMTP server
}

// documented returns the lines of docs/bounces.md that begin so: mail for the bounce
// domain goes to the intake, and a copy of what the organiser gets goes there
// too. What the page says is what is tried.
func documented(t *testing.T, begin ...string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "bounces.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := ""
	for _, b := range begin {
		_, rest, ok := strings.Cut(string(page), "\n    "+b)
		if !ok {
			t.Fatalf("docs/bounces.md has no line that begins with %q", b)
		}
		line, _, _ := strings.Cut(rest, "\n")
		found += b + line + "\n"
	}
	return found
}

// startPostfix starts one that delivers bounces.example.org to an intake,
// alive.example to a mail server, and finds nobody at gone.example.
func startPostfix(t *testing.T, intake, alive int) *postfix {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("Postfix has to be started by root: sudo make postfix")
	}
	libexec, err := exec.Command("postconf", "-dh", "daemon_directory").Output()
	if err != nil {
		t.Fatalf("find Postfix, which `make postfix` installs: %v", err)
	}
	dir, err := os.MkdirTemp("", "postfix")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &postfix{dir: dir, port: freePort(t)}
	config := filepath.Join(dir, "config")
	for _, d := range []string{dir, config, filepath.Join(dir, "queue"), filepath.Join(dir, "data")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(d, 0o755); err != nil { // its users have to get in
			t.Fatal(err)
		}
	}
	out, err := exec.Command("chown", "postfix", filepath.Join(dir, "data")).CombinedOutput()
	if err != nil {
		t.Fatalf("give Postfix its directory: %v %s", err, out)
	}
	files := map[string]string{
		"main.cf": fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/queue/log
maillog_file_prefixes = %[1]s
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_tls_security_level = none
myhostname = mx.example.org
mydestination = gone.example
local_recipient_maps =
alias_maps =
virtual_alias_domains = example.org
virtual_alias_maps = texthash:%[1]s/config/virtual
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
`, dir) + strings.NewReplacer("hash:/etc/postfix", "texthash:"+config, "regexp:/etc/postfix", "regexp:"+config).Replace(
			documented(t, "relay_domains =", "transport_maps =", "relay_recipient_maps =", "recipient_bcc_maps =")),
		"transport": strings.ReplaceAll(documented(t, "bounces.example.org  lmtp"), ":2424", fmt.Sprintf(":%d", intake)) + fmt.Sprintf("alive.example  smtp:[127.0.0.1]:%d\n", alive),
		"returned":  documented(t, "/^(bounce"),
		"answers":   documented(t, "events@example.org  replies"),
		"virtual":   "events@example.org  secretary@alive.example\n",
		"master.cf": fmt.Sprintf("127.0.0.1:%d inet n - n - - smtpd\n", p.port) + `pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
relay unix - - n - - smtp
local unix - n n - - local
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
`,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(config, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("postfix", "-c", config, "check").CombinedOutput(); err != nil {
		t.Fatalf("postfix check: %v\n%s", err, out)
	}
	var said bytes.Buffer
	master := exec.Command(filepath.Join(strings.TrimSpace(string(libexec)), "master"), "-c", config, "-d")
	master.Stdout, master.Stderr = &said, &said
	master.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := master.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-master.Process.Pid, syscall.SIGTERM) // its group: it and what it started
		err := master.Wait()
		if t.Failed() {
			t.Logf("Postfix ended with %v\n%s\n%s", err, said.String(), p.log())
		}
	})
	eventually(t, "Postfix answers", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	})
	return p
}

// log returns what Postfix logged.
func (p *postfix) log() string {
	b, _ := os.ReadFile(filepath.Join(p.dir, "queue", "log"))
	return string(b)
}

// send hands Postfix a mail as anybody on the net does.
func (p *postfix) send(t *testing.T, from, to, text string) {
	t.Helper()
	if err := smtp.SendMail(fmt.Sprintf("127.0.0.1:%d", p.port), nil, from, []string{to}, []byte(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		t.Fatal(err)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := lab.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// eventually looks again until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute it is not so that %s", what)
		}
	}
}

// The whole way: the letter is queued, comes back from a mailbox that is not
// there, and the address is marked. Nothing but the configuration of docs/bounces.md
// is between.
func TestPostfixBringsBackABounce(t *testing.T) {
	s := newSite(t, "")
	intake := freePort(t)
	p := startPostfix(t, intake, s.smtp.Port())
	s.configure(strings.NewReplacer(
		fmt.Sprintf("port: %d", s.smtp.Port()), fmt.Sprintf("port: %d", p.port),
		"smtp:\n", fmt.Sprintf("intake: {listen: '127.0.0.1:%d'}\nsmtp:\n  bounce_domain: bounces.example.org\n", intake),
	).Replace(s.read()))
	s.apply("webinar", 240*time.Hour, "")
	d := s.daemon()
	s.must("registration", "add", "webinar", "ana@gone.example", "Ana")
	s.must("registration", "add", "webinar", "bo@alive.example", "Bo")
	s.wait(1, time.Minute)
	s.settled()
	if got := s.received(); len(got) != 1 || got[0] != "confirmation to bo@alive.example" {
		t.Errorf("delivered: %q", got)
	}
	eventually(t, "Ana's address is marked", func() bool {
		return strings.Contains(s.must("registration", "list", "webinar", "--search", "ana@"), "address refused")
	})
	has(t, "registration list", s.must("registration", "list", "webinar", "--search", "ana@"), `unknown user: "ana"`)
	has(t, "explain", s.must("explain", "webinar", "ana@gone.example"), "the address does not work", "no such address (5.1.1)", "the address is marked")
	has(t, "the log of Postfix", p.log(), "status=bounced (unknown user", "relay=127.0.0.1[127.0.0.1]:"+fmt.Sprint(intake)+", ", "status=sent (250 2.0.0")
	if out := s.must("registration", "list", "webinar", "--search", "bo@"); strings.Contains(out, "refused") {
		t.Errorf("Bo is marked too:\n%s", out)
	}

	// While no intake is there, Postfix keeps what comes; and it refuses what the
	// intake would refuse at its own door.
	if d.stop() != 0 {
		t.Fatalf("the daemon ended with %d\n%s", d.stop(), d.logs)
	}
	letter, err := readLetter(s.letterTo("bo@alive.example").Raw)
	if err != nil {
		t.Fatal(err)
	}
	answer := strings.NewReplacer("METHOD:REQUEST", "METHOD:REPLY", "PARTSTAT=ACCEPTED;RSVP=FALSE", "PARTSTAT=DECLINED", "\r\n", "\n").Replace(string(letter.calendar))
	p.send(t, "bo@alive.example", "events@example.org", "From: bo@alive.example\nTo: events@example.org\nSubject: Declined: Webinar\nMIME-Version: 1.0\nContent-Type: text/calendar; charset=utf-8; method=REPLY\n\n"+answer)
	s.wait(2, time.Minute) // the secretary reads it
	eventually(t, "Postfix keeps the copy", func() bool { return strings.Contains(p.log(), "status=deferred (connect to 127.0.0.1") })
	err = smtp.SendMail(fmt.Sprintf("127.0.0.1:%d", p.port), nil, "x@example.net", []string{"whoever@bounces.example.org"}, []byte("Subject: x\r\n\r\nx\r\n"))
	if err == nil || !strings.Contains(err.Error(), "User unknown in relay recipient table") {
		t.Errorf("mail to nobody at the bounce domain: %v", err)
	}
	d = s.daemon()
	eventually(t, "Bo's answer is there", func() bool {
		return strings.Contains(s.must("registration", "list", "webinar", "--search", "bo@"), "declined, has the seat")
	})
	if d.stop() != 0 || strings.Contains(d.logs.String(), "@alive.example") {
		t.Errorf("the daemon ended with %d\n%s", d.stop(), d.logs)
	}
}

// A real relay on this machine, and the daemon killed again and again: the second
// dot of whoever inherits a connection is nothing to it but an unknown command.
func TestPostfixGetsNoLetterTwice(t *testing.T) {
	s := newSite(t, "")
	p := startPostfix(t, freePort(t), s.smtp.Port())
	s.configure(replaceOnce(t, s.read(), fmt.Sprintf("port: %d", s.smtp.Port()), fmt.Sprintf("port: %d", p.port)))
	s.apply("webinar", 240*time.Hour, "")
	const n, kills = 1000, 10
	s.sql(fmt.Sprintf(`INSERT INTO convened.registrations (event, email, name) SELECT 'webinar', 'p' || i || '@alive.example', 'P' || i FROM generate_series(1, %d) i`, n))
	m := s.unit(100)
	heard := 0
	const answered = "a dead daemon's letter is answered"
	for k := range kills {
		d := s.processUnder(m)
		s.until("some are sent", func() bool {
			return s.sql(fmt.Sprintf(`SELECT count(*) >= %d FROM convened.notices WHERE state = 'sent'`, n*(k+1)/(kills+2))) == "t"
		})
		d.kill(t)
		heard += strings.Count(d.logs.String(), answered)
	}
	last := s.processUnder(m)
	s.settled()
	s.wait(n, time.Minute)
	s.once(n)
	if heard += strings.Count(last.logs.String(), answered); heard == 0 {
		t.Errorf("no reply was ever waiting: this test shows nothing\n%s", last.logs)
	}
	t.Logf("%d replies were heard after %d kills", heard, kills)
	last.leavesNothing(t, s, m)
}
