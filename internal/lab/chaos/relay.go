//go:build linux

package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"convened/internal/lab"
)

func relayScenarios() []*scenario {
	return []*scenario{
		{Row: 11, Part: "a", Name: "relay refuses connections", People: 500, Quiet: true,
			Fault:    "the relay's port is closed for 65 s in the middle of a burst",
			Required: "one probe in 30 s; planning goes on; mail flows within 35 s after it is back",
			Run:      relayRefuses},
		{Row: 11, Part: "b", Name: "relay has no name", People: 100, Quiet: true,
			Fault:    "the relay's name can't be resolved",
			Required: "planning goes on, nothing is refused; a status says so",
			Run:      relayHasNoName},
		{Row: 11, Part: "c", Name: "relay never greets", People: 200, Quiet: true,
			Fault:    "the relay takes connections and says nothing, for 70 s",
			Required: "one probe at a time, 30 s apart; planning goes on; mail flows when it speaks again",
			Run:      func(r *rig) { relayMute(r, lab.StallGreet(), 70*time.Second) }},
		{Row: 11, Part: "d", Name: "relay is a tarpit", People: 200, Quiet: true,
			Fault:    "the relay answers everything with one byte a second, for 70 s",
			Required: "no hand is stuck for longer than its lease; planning goes on; mail flows afterwards",
			Run:      func(r *rig) { relayMute(r, lab.Tarpit(time.Second), 70*time.Second) }},
		{Row: 12, Part: "a", Name: "greylisting (451), disk full (452)", People: 600, Quiet: true, Limit: 8 * time.Minute,
			Fault:    "451 for half of the attempts at some domains, 452 at others; the daemon is killed while they wait",
			Required: "tried again when due_at says, not before, also by the next process; all arrive",
			Run:      greylisted},
		{Row: 12, Part: "b", Name: "421 at MAIL", People: 200, Quiet: true, Limit: 8 * time.Minute,
			Fault:    "the server closes one transaction in twenty with 421",
			Required: "the connection is dropped, all arrive",
			Run:      closedWith421},
		{Row: 13, Name: "550 at RCPT, 554 after DATA", People: 1000, Quiet: true,
			Fault:    "five in a hundred are refused for good, at RCPT or after the dot",
			Required: "exactly those are refused, with the server's words, after one try; the others get theirs",
			Run:      refusedForGood},
		{Row: 14, Part: "a", Name: "dropped after the dot, accepted", People: 800, Quiet: true,
			Fault:    "the server takes the letter and closes the connection without a reply, for a tenth of the letters",
			Required: "each comes again, under the same Message-ID; nobody is lost",
			Run:      func(r *rig) { droppedAfterDot(r, lab.DotAcceptDrop(), true) }},
		{Row: 14, Part: "b", Name: "dropped after the dot, not accepted", People: 800, Quiet: true,
			Fault:    "the server reads the letter and closes the connection without taking it, for a tenth of the letters",
			Required: "nobody is lost, no letter twice",
			Run:      func(r *rig) { droppedAfterDot(r, lab.DotDropBeforeAccept(), false) }},
		{Row: 14, Part: "c", Name: "dropped at every other phase", People: 800, Quiet: true,
			Fault:    "the server closes the connection at each phase from EHLO to RSET, now and then",
			Required: "no letter twice, nobody refused",
			Run:      droppedAnywhere},
		{Row: 15, Name: "a reply that takes 20 s", People: 32, Quiet: true,
			Fault:    "the reply to the dot takes 20 s, four times the lease, with two daemons",
			Required: "it is waited for; no letter twice",
			Run:      slowReply},
		{Row: 16, Part: "a", Name: "535: the login fails", People: 60, Quiet: true,
			Fault:    "the relay refuses the login for 130 s",
			Required: "all mail is held, at most one login a minute, nobody refused; mail flows when it is mended",
			Run:      loginFails},
		{Row: 16, Part: "b", Name: "expired certificate", People: 60, Quiet: true,
			Fault:    "the relay's certificate has expired",
			Required: "nothing in the clear, nobody refused, one probe in 30 s; mail flows when it is mended",
			Run:      func(r *rig) { untrusted(r, "expired") }},
		{Row: 16, Part: "c", Name: "STARTTLS stripped", People: 60, Quiet: true,
			Fault:    "somebody on the way cuts STARTTLS out of the server's answer",
			Required: "not one MAIL in the clear, nobody refused; mail flows when it is mended",
			Run:      func(r *rig) { untrusted(r, "stripped") }},
		{Row: 16, Part: "d", Name: "TLS 1.0 only", People: 60, Quiet: true,
			Fault:    "the relay speaks no TLS above 1.0",
			Required: "as above",
			Run:      func(r *rig) { untrusted(r, "old") }},
	}
}

// watch calls see at each step of the dialogues, and lets script decide.
func watch(see func(lab.Step), script lab.Script) lab.Script {
	return func(s lab.Step) lab.Reaction {
		see(s)
		if script == nil {
			return lab.Reaction{}
		}
		return script(s)
	}
}

// planned fails unless registrations that come now are planned while no mail goes.
func (r *rig) planned(n int) {
	r.registerAt("webinar", "meanwhile", "example.org", n)
	r.until(15*time.Second, "who registers meanwhile is planned", func() bool {
		return r.sql(`SELECT count(*) FROM convened.registrations WHERE planned_at IS NULL`) == "0"
	})
}

func relayRefuses(r *rig) {
	r.set("smtp.dot_timeout", "5s")
	r.stage(slowly(20 * time.Millisecond))
	m := r.manager()
	r.start(start{env: m.env(0)})
	r.register(r.people)
	r.mails(r.people/3, time.Minute)
	r.must(r.smtp.Refuse())
	r.smtp.Cut()
	began := time.Now()
	r.planned(20)
	for time.Since(began) < 65*time.Second {
		r.sleep(500 * time.Millisecond)
	}
	status, _ := m.last()
	r.note("its status: %q", status)
	if !strings.Contains(status, "relay") {
		r.fail("its status is %q, and the relay is down", status)
	}
	r.must(r.smtp.Resume())
	took := r.flows(40 * time.Second)
	r.note("mail flowed %.0f s after the relay was back", took.Seconds())
	// Letters whose dot was out when the connections were cut are in doubt.
	r.bound = connections
	r.finish(3 * time.Minute)
}

func relayHasNoName(r *rig) {
	r.stage(nil)
	r.set("smtp.host", "relay.invalid")
	r.set("smtp.tls", "starttls")
	r.configure()
	m := r.manager()
	d := r.start(start{env: m.env(0)})
	r.register(r.people)
	r.until(30*time.Second, "a status that names the relay", func() bool {
		status, _ := m.last()
		return strings.Contains(status, "relay")
	})
	r.planned(10)
	if n := r.number(`SELECT count(*) FROM convened.notices WHERE state NOT IN ('planned', 'claimed')`); n > 0 {
		r.fail("%d notices are over, and no letter can have left", n)
	}
	status, _ := m.last()
	r.note("its status: %q", status)
	if _, err := d.stop(30 * time.Second); err != nil {
		r.fail("%v", err)
	}
	r.set("smtp.host", "127.0.0.1")
	r.set("smtp.tls", "none")
	r.configure()
	r.start(start{})
	r.finish(90 * time.Second)
}

func relayMute(r *rig, script lab.Script, d time.Duration) {
	r.set("lease", "5s")
	r.set("smtp.dot_timeout", "5s")
	r.set("retry.first", "1s")
	r.stage(nil)
	r.start(start{})
	r.register(r.people / 2)
	r.mails(r.people/2, time.Minute)
	r.finish(time.Minute)
	r.smtp.SetScript(script)
	r.smtp.Cut()
	began := time.Now()
	r.registerAt("webinar", "mute", "example.org", r.people-r.people/2)
	r.sleep(2 * time.Second)
	r.planned(10)
	// Those that were dialled together when it began are given up with their lease;
	// then one probe each 30 s.
	const first = 15 * time.Second
	r.sleep(max(first-time.Since(began), 0))
	ever, _ := r.smtp.Connections()
	r.sleep(max(d-time.Since(began), 0))
	now, open := r.smtp.Connections()
	r.note("%d connections between %s and %s, %d open at the end", now-ever, first, d, open)
	if most := int((d-first)/(30*time.Second)) + 1; now-ever > most {
		r.fail("%d connections between %s and %s, and at most %d are called for", now-ever, first, d, most)
	}
	r.smtp.SetScript(nil)
	r.smtp.Cut()
	r.note("mail flowed %.0f s after it spoke again", r.flows(60*time.Second).Seconds())
	r.bound = connections // a tarpit's letter whose reply was cut
	r.finish(3 * time.Minute)
}

func greylisted(r *rig) {
	r.set("retry.first", "2s")
	grey := lab.First(
		lab.For(func(to string) bool { return strings.Contains(to, "@grey") }, lab.Sometimes(0.5, r.lab.seed, lab.At(lab.AtRcpt, lab.Answer(451, "4.2.0", "Greylisted, try again later")))),
		lab.For(func(to string) bool { return strings.Contains(to, "@full") }, lab.Until(2, lab.Rcpt452())))
	var mu sync.Mutex
	early, again := 0, 0
	tried := map[string]time.Time{}
	var killed time.Time
	seen := watch(func(s lab.Step) {
		if s.Phase != lab.AtRcpt || s.Attempt < 1 {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		// The first wait is 2 s less a fifth.
		if last, ok := tried[s.To]; ok && time.Since(last) < 1500*time.Millisecond {
			// What the dead one had learnt and not written down yet is asked again.
			if !killed.IsZero() && last.Before(killed) && killed.Sub(last) < time.Second {
				again++
			} else {
				early++
			}
		}
		tried[s.To] = time.Now()
	}, grey)
	r.stage(seen)
	c := r.crew(1, start{})
	r.registerAt("webinar", "a", "grey.example", r.people/4)
	r.registerAt("webinar", "b", "full.example", r.people/4)
	r.register(r.people / 2)
	r.mails(r.people/2, time.Minute)
	c.member(0).kill()
	mu.Lock()
	killed = time.Now()
	mu.Unlock()
	r.bound = connections
	r.finish(4 * time.Minute) // one in 128 is put off seven times
	tries := r.number(`SELECT max(attempt) FROM convened.notices`)
	mu.Lock()
	defer mu.Unlock()
	r.note("up to %d tries for one letter; none came before its time but %d that the dead one could not settle", tries, again)
	if early > 0 {
		r.fail("%d attempts came before they were due", early)
	}
}

func closedWith421(r *rig) {
	r.set("retry.first", "1s")
	var closed atomic.Int64
	script := lab.Sometimes(0.05, r.lab.seed, lab.Mail421())
	r.stage(func(s lab.Step) lab.Reaction {
		x := script(s)
		if s.Phase == lab.AtMail && x.Reply.Code == 421 {
			closed.Add(1)
		}
		return x
	})
	r.start(start{})
	// A domain that says 421 is left alone for a minute, so there are many.
	for i := range 20 {
		r.registerAt("webinar", "p", fmt.Sprintf("d%d.example", i), r.people/20)
	}
	r.finish(6 * time.Minute)
	r.note("%d connections were closed with 421", closed.Load())
	if closed.Load() == 0 {
		r.fail("none was closed with 421: this shows nothing")
	}
}

func refusedForGood(r *rig) {
	r.stage(lab.First(lab.For(lab.ToDomain("nobody.example"), lab.Rcpt550()), lab.For(lab.ToDomain("spam.example"), lab.Dot554())))
	r.start(start{})
	n := r.people / 40
	r.registerAt("webinar", "x", "nobody.example", n)
	r.registerAt("webinar", "y", "spam.example", n)
	r.register(r.people - 2*n)
	r.finish(time.Minute)
	r.refused = 2 * n
	for _, q := range []struct {
		what, where string
	}{
		{"550 with its words and one try", `r.address LIKE '%@nobody.example' AND n.state = 'refused' AND n.cause = 'address' AND n.last_error LIKE '%User unknown%' AND n.attempt = 1 AND r.refused_at IS NOT NULL`},
		{"554 with its words and one try", `r.address LIKE '%@spam.example' AND n.state = 'refused' AND n.cause = 'policy' AND n.last_error LIKE '%refused by policy%' AND n.attempt = 1 AND r.refused_at IS NULL`},
	} {
		if got := r.number(`SELECT count(*) FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration WHERE ` + q.where); got != n {
			r.fail("%s: %d of %d", q.what, got, n)
		}
	}
	r.note("%d refused after one try each, %d of them marked as addresses that don't work", 2*n, n)
}

func droppedAfterDot(r *rig, drop lab.Script, accepted bool) {
	r.set("smtp.dot_timeout", "2s")
	var dropped atomic.Int64
	script := lab.Sometimes(0.1, r.lab.seed, drop)
	r.stage(func(s lab.Step) lab.Reaction {
		x := script(s)
		if x.Drop {
			dropped.Add(1)
		}
		return x
	})
	r.start(start{})
	r.register(r.people)
	r.finish(2 * time.Minute)
	if accepted {
		r.bound = int(dropped.Load())
	}
	r.note("%d replies were lost; %d letters are held because nobody knows", dropped.Load(), r.number(`SELECT count(*) FROM convened.notices WHERE state = 'held'`))
	if dropped.Load() == 0 {
		r.fail("nothing was dropped: this shows nothing")
	}
}

func droppedAnywhere(r *rig) {
	r.set("retry.first", "1s")
	// A letter is small: the dot is out before anybody notices that the server
	// hung up in the middle of it, and then the daemon can't know.
	r.set("smtp.dot_timeout", "2s")
	var scripts []lab.Script
	for _, phase := range []lab.Phase{lab.AtMail, lab.AtRcpt, lab.AtData, lab.AtBody, lab.AtReset} {
		scripts = append(scripts, lab.Sometimes(0.02, r.lab.seed+uint64(len(scripts)), lab.DropAt(phase)))
	}
	var dropped atomic.Int64
	script := lab.First(scripts...)
	r.stage(func(s lab.Step) lab.Reaction {
		x := script(s)
		if x.Drop {
			dropped.Add(1)
		}
		return x
	})
	r.start(start{})
	r.register(r.people)
	r.finish(2 * time.Minute)
	r.note("%d connections were dropped", dropped.Load())
	if dropped.Load() == 0 {
		r.fail("nothing was dropped: this shows nothing")
	}
}

func slowReply(r *rig) {
	r.set("lease", "5s")
	r.set("smtp.dot_timeout", "60s")
	r.stage(lab.DotDelay(20 * time.Second))
	r.start(start{})
	r.start(start{})
	r.register(r.people)
	r.finish(4 * time.Minute)
	if n := r.number(`SELECT max(attempt) FROM convened.notices WHERE state = 'sent'`); n > 1 {
		r.note("up to %d claims for one letter, because it waited for a hand", n)
	}
}

func loginFails(r *rig) {
	ca, certificate := r.authority()
	var logins atomic.Int64
	script := lab.Auth535()
	broken := watch(func(s lab.Step) {
		if s.Phase == lab.AtAuth {
			logins.Add(1)
		}
	}, script)
	r.set("smtp.username", "convened")
	r.set("smtp.password_file", filepath.Join(r.dir, "smtp-password"))
	r.must(os.WriteFile(filepath.Join(r.dir, "smtp-password"), []byte("secret\n"), 0o600))
	r.set("smtp.tls", "starttls")
	r.stageWith(lab.SMTPOptions{TLS: lab.StartTLS, Certificate: certificate, Users: map[string]string{"convened": "secret"}, RequireAuth: true, Script: broken})
	r.apply("webinar", 240*time.Hour, "")
	m := r.manager()
	r.start(start{env: append(m.env(0), "SSL_CERT_FILE="+ca)})
	r.register(r.people)
	began := time.Now()
	for time.Since(began) < 130*time.Second {
		r.sleep(500 * time.Millisecond)
	}
	status, _ := m.last()
	r.note("%d logins in 130 s; its status: %q", logins.Load(), status)
	// Those on the wire together when it began, and one a minute.
	if logins.Load() > connections+2 {
		r.fail("%d logins in 130 s", logins.Load())
	}
	if n := r.taken.count(); n > 0 {
		r.fail("%d letters came without a login", n)
	}
	r.smtp.SetScript(nil)
	r.note("mail flowed %.0f s after the login was right", r.flows(70*time.Second).Seconds())
	r.finish(2 * time.Minute)
}

// authority makes a certificate authority and a certificate for the relay.
func (r *rig) authority() (file string, certificate tls.Certificate) {
	ca, err := lab.NewCA(time.Now())
	r.must(err)
	certificate, err = ca.Issue("127.0.0.1", "localhost")
	r.must(err)
	file = filepath.Join(r.dir, "ca.pem")
	r.must(os.WriteFile(file, ca.PEM(), 0o644))
	return file, certificate
}

// untrusted is a relay that must not be spoken to, for 65 s, and then a good one.
func untrusted(r *rig, how string) {
	ca, err := lab.NewCA(time.Now())
	r.must(err)
	good, err := ca.Issue("127.0.0.1")
	r.must(err)
	file := filepath.Join(r.dir, "ca.pem")
	r.must(os.WriteFile(file, ca.PEM(), 0o644))
	var clear atomic.Int64
	see := func(s lab.Step) {
		if s.Phase == lab.AtMail && !s.TLS {
			clear.Add(1)
		}
	}
	bad := lab.SMTPOptions{TLS: lab.StartTLS, Certificate: good, Script: watch(see, nil)}
	switch how {
	case "expired":
		bad.Certificate, err = ca.Expired("127.0.0.1")
		r.must(err)
	case "stripped":
		bad.Script = watch(see, lab.NoStartTLS())
	case "old":
		bad.MaxTLSVersion = tls.VersionTLS10
	}
	r.set("smtp.tls", "starttls")
	r.stageWith(bad)
	r.apply("webinar", 240*time.Hour, "")
	m := r.manager()
	r.start(start{env: append(m.env(0), "SSL_CERT_FILE="+file)})
	r.register(r.people)
	began := time.Now()
	for time.Since(began) < 65*time.Second {
		r.sleep(500 * time.Millisecond)
	}
	ever, _ := r.smtp.Connections()
	status, _ := m.last()
	r.note("%d connections in 65 s; its status: %q", ever, status)
	if ever > connections+3 {
		r.fail("%d connections in 65 s", ever)
	}
	if n := r.taken.count(); n > 0 {
		r.fail("%d letters went to a relay that must not be trusted", n)
	}
	r.serve(lab.SMTPOptions{TLS: lab.StartTLS, Certificate: good, Script: watch(see, nil)})
	r.note("mail flowed %.0f s after the relay was right", r.flows(40*time.Second).Seconds())
	r.finish(2 * time.Minute)
	if n := clear.Load(); n > 0 {
		r.fail("%d letters were begun in the clear", n)
	}
}
