package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"convened/config"
	"convened/store"
)

type checkCommand struct{}

// A checkLine is one thing that was looked at.
type checkLine struct {
	What   string `json:"what"`
	Result string `json:"result"` // ok, warning, error
	Detail string `json:"detail,omitempty"`
}

// checkPatience bounds each look at another machine.
const checkPatience = 20 * time.Second

// Run looks at everything and prints a line each. What depends on something
// that is wrong is not looked at. It exits with 2 where the configuration or
// the schema is wrong, with 1 where anything else is.
func (checkCommand) Run(e *env) error {
	var lines []checkLine
	code := error(nil)
	say := func(what string, err error, ok string) bool {
		if err != nil {
			lines = append(lines, checkLine{what, "error", err.Error()})
			if code == nil {
				code = errSaid
			}
			if errors.Is(err, store.ErrSchema) || errors.Is(err, errConfiguration) {
				code = fmt.Errorf("%w: see above", errConfiguration)
			}
			return false
		}
		lines = append(lines, checkLine{what, "ok", ok})
		return true
	}
	cfg, err := e.configuration()
	if err != nil {
		return err
	}
	say("configuration", nil, e.cli.Config)
	for _, w := range cfg.Warnings() {
		lines = append(lines, checkLine{"configuration", "warning", w})
	}
	e.checkDatabase(cfg, say)
	p, err := newPost(cfg, throwAwayKey(), nil, e.clock, e.logger())
	if say("templates, sender and signature", err, "") {
		ctx, cancel := context.WithTimeout(e.ctx, checkPatience)
		defer cancel()
		err := p.relay.Check(ctx)
		where := net.JoinHostPort(cfg.SMTP.Host, strconv.Itoa(cfg.SMTP.Port))
		if strings.HasPrefix(cfg.SMTP.Host, "/") {
			where = cfg.SMTP.Host
		}
		say("relay", err, where+" answers")
		for _, r := range p.records(cfg) {
			say("publish in DNS", nil, fmt.Sprintf("%s  TXT  %q", r.name, r.value))
		}
		if cfg.Intake.Listen != "" {
			say("publish in DNS", nil, cfg.SMTP.BounceDomain+"  MX  10 THE.NAME.OF.THIS.MACHINE")
		}
	}
	if e.cli.JSON {
		if err := e.printJSON(lines); err != nil {
			return err
		}
		return code
	}
	rows := [][]string{}
	for _, l := range lines {
		rows = append(rows, []string{l.Result, l.What, l.Detail})
	}
	if err := e.printTable(nil, rows); err != nil {
		return err
	}
	return code
}

// A dnsRecord is a TXT record that receivers look for.
type dnsRecord struct{ name, value string }

// records are what should stand in the DNS so that receivers take the letters
// for ours: who may send (SPF, RFC 7208), by the bounce domain, which is what
// they check; the public key (DKIM, RFC 6376); and what to do with what fits
// neither (DMARC, RFC 7489).
func (p *post) records(cfg *config.Config) []dnsRecord {
	_, domain, _ := strings.Cut(cfg.SMTP.From.Address, "@")
	list := []dnsRecord{{cfg.SMTP.BounceDomain, "v=spf1 a:" + cfg.SMTP.Host + " -all"}}
	if ip := net.ParseIP(cfg.SMTP.Host); ip != nil && !ip.IsLoopback() {
		list[0].value = "v=spf1 ip4:" + cfg.SMTP.Host + " -all"
		if ip.To4() == nil {
			list[0].value = "v=spf1 ip6:" + cfg.SMTP.Host + " -all"
		}
	} else if cfg.SMTP.Host == "localhost" || cfg.SMTP.Host[0] == '/' || ip != nil {
		list[0].value = "v=spf1 mx a ip4:THE.ADDRESS.OF.THIS.MACHINE -all"
	}
	if p.signer != nil {
		name, value := p.signer.Record()
		list = append(list, dnsRecord{name, value})
	}
	return append(list, dnsRecord{"_dmarc." + domain, "v=DMARC1; p=quarantine; rua=mailto:postmaster@" + domain})
}

func (e *env) checkDatabase(cfg *config.Config, say func(string, error, string) bool) {
	s, err := open(cfg, 2, e.logger())
	if err != nil {
		say("database", err, "")
		return
	}
	defer func() { _ = s.Close() }()
	before := e.clock()
	theirs, err := s.ServerTime(e.ctx)
	if !say("database", err, "answers") {
		return
	}
	skew := theirs.Sub(before)
	if skew > skewLimit || skew < -skewLimit {
		err = fmt.Errorf("this machine's clock and the database's differ by %s, and planning pauses above %s; set the clocks, as by systemd-timesyncd or chrony", skew.Round(time.Second), skewLimit)
	}
	say("clock", err, "agrees with the database's within "+max(skew, -skew).Round(time.Millisecond).String())
	if !say("schema", s.CheckSchema(e.ctx), "is the one that this program knows") {
		return
	}
	faults := s.CheckStatements(e.ctx)
	say("statements", errors.Join(faults...), "each one can be prepared with this role")
}
