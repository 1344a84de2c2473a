package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"convened"
	"convened/config"
	"convened/mailer"
	"convened/store"
)

type checkCommand struct{}

// checkPatience bounds each look at another machine.
const checkPatience = 20 * time.Second

// Run looks at everything and prints a line each. What depends on something
// that is wrong is not looked at. It exits with 2 where the configuration or
// the schema is wrong, with 1 where anything else is.
func (checkCommand) Run(e *env) error {
	cfg, err := e.configuration()
	if err != nil {
		return err
	}
	d := &doctor{e: e, cfg: cfg, names: net.DefaultResolver}
	d.examine()
	if e.cli.JSON {
		if err := e.printJSON(d.lines); err != nil {
			return err
		}
		return d.verdict
	}
	rows := [][]string{}
	for _, l := range d.lines {
		text := l.Detail
		if l.Mend != "" {
			text += "; " + l.Mend
		}
		rows = append(rows, []string{l.Result, l.What, text})
	}
	if err := e.printTable(nil, rows); err != nil {
		return err
	}
	return d.verdict
}

// A checkLine is one thing that was looked at.
type checkLine struct {
	What   string `json:"what"`
	Result string `json:"result"` // ok, warning, error
	Detail string `json:"detail,omitempty"`
	Mend   string `json:"mend,omitempty"`
}

// A doctor looks at a service and writes down what it finds.
type doctor struct {
	e       *env
	cfg     *config.Config
	names   nameServer
	lines   []checkLine
	verdict error // nil: nothing is wrong
}

// A nameServer is asked for what is published: net.Resolver.
type nameServer interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

func (d *doctor) ok(what, detail string) {
	d.lines = append(d.lines, checkLine{what, "ok", detail, ""})
}

func (d *doctor) warn(what, detail, mend string) {
	d.lines = append(d.lines, checkLine{what, "warning", detail, mend})
}

// wrong writes down an error, whose text has the mend where mend is "".
func (d *doctor) wrong(what string, err error, mend string) {
	d.lines = append(d.lines, checkLine{what, "error", err.Error(), mend})
	if d.verdict == nil {
		d.verdict = errSaid
	}
	if errors.Is(err, store.ErrSchema) || errors.Is(err, errConfiguration) {
		d.verdict = fmt.Errorf("%w: see above", errConfiguration)
	}
}

func (d *doctor) examine() {
	d.ok("configuration", d.e.cli.Config)
	for _, w := range d.cfg.Warnings() {
		d.warn("configuration", w, "")
	}
	d.permissions()
	d.disk()
	d.zones()
	d.database()
	p, err := newPost(d.cfg, throwAwayKey(), nil, d.e.clock, d.e.logger())
	if err != nil {
		d.wrong("templates, sender and signature", err, "")
		return
	}
	d.ok("templates, sender and signature", "each letter can be made")
	d.relay(p)
	d.published(p)
}

// permissions looks at who may read what.
func (d *doctor) permissions() {
	sound := true
	for _, k := range config.Keys() {
		file, origin := d.cfg.File(k.Name), d.cfg.Origin(k.Name)
		if file == "" || strings.HasPrefix(origin, "credential") {
			continue
		}
		info, err := os.Stat(file)
		if err != nil {
			continue // reading the configuration said so
		}
		if mode := info.Mode().Perm(); strings.HasSuffix(k.Name, "_file") && mode&0o007 != 0 {
			sound = false
			d.warn("permissions", fmt.Sprintf("%s %s can be read or written by everybody on this machine (%04o)", k.Name, file, mode), "chmod 0600 "+file+", or hand it over as a credential")
		}
		if home, ok := strings.CutPrefix(file, "/home/"); ok && home != "" || strings.HasPrefix(file, "/root/") {
			sound = false
			d.warn("permissions", fmt.Sprintf("%s %s is in a home directory, which the unit does not show to the service", k.Name, file), "move it below /etc/convened")
		}
	}
	if info, err := os.Stat(d.e.cli.Config); err == nil && info.Mode().Perm()&0o022 != 0 {
		sound = false
		d.warn("permissions", fmt.Sprintf("%s can be changed by others than its owner (%04o)", d.e.cli.Config, info.Mode().Perm()), "chmod 0644 "+d.e.cli.Config)
	}
	if sound {
		d.ok("permissions", "secrets are read by those alone who may")
	}
}

// lowDisk is the room for the journal below which something should be done. The
// journal itself needs some MB at most.
const lowDisk = 100 << 20

// disk looks at the state directory: whether it can be written to, and the room in it.
func (d *doctor) disk() {
	dir := d.cfg.StateDir
	probe, err := os.CreateTemp(dir, "check")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.warn("state directory", dir+" does not exist", "systemd makes it when the service starts; else make it, for the user that the daemon runs as")
		return
	case err != nil:
		d.warn("state directory", fmt.Sprintf("%s can't be written to by this user: %v", dir, errors.Unwrap(err)), "run the check as the daemon's user, or let that user write there; without it more letters are in doubt after a crash")
	default:
		_ = probe.Close()
		_ = os.Remove(probe.Name())
	}
	var room syscall.Statfs_t
	if syscall.Statfs(dir, &room) != nil {
		return
	}
	free := int64(room.Bavail) * int64(room.Bsize) //nolint:unconvert // its type differs between systems
	if free < lowDisk {
		d.warn("disk", fmt.Sprintf("%d MB are free in %s", free>>20, dir), "make room: on a full disk the daemon goes on without its journal")
		return
	}
	if err == nil {
		d.ok("state directory", fmt.Sprintf("%s can be written to, %d MB are free", dir, free>>20))
	}
}

// zones names the data that local times are derived from.
func (d *doctor) zones() {
	if dir := os.Getenv("ZONEINFO"); dir != "" {
		d.ok("time zones", "from ZONEINFO="+dir)
		return
	}
	for _, dir := range []string{"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"} {
		if _, err := os.Stat(filepath.Join(dir, "Europe", "Brussels")); err != nil {
			continue
		}
		d.ok("time zones", zoneVersion(dir)+" of "+dir)
		return
	}
	d.warn("time zones", "this machine has no tzdata; those that the program was built with serve", "install tzdata, so that a new rule of a country needs no new program")
}

// zoneVersion is the version of the tzdata in a directory, such as 2026b.
func zoneVersion(dir string) string {
	for _, name := range []string{"tzdata.zi", "+VERSION", "version"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		line, _, _ := strings.Cut(string(b), "\n")
		return "tzdata " + strings.TrimSpace(strings.TrimPrefix(line, "# version "))
	}
	return "tzdata of unknown version"
}

func (d *doctor) database() {
	ctx := d.e.ctx
	s, err := open(d.cfg, 2, d.e.logger())
	if err != nil {
		d.wrong("database", err, "")
		return
	}
	defer func() { _ = s.Close() }()
	before := d.e.clock()
	theirs, err := s.ServerTime(ctx)
	if err != nil {
		d.wrong("database", err, "")
		return
	}
	d.ok("database", "answers within "+d.e.clock().Sub(before).Round(time.Millisecond).String())
	skew := theirs.Sub(before)
	if skew.Abs() > skewLimit {
		d.wrong("clock", fmt.Errorf("this machine's clock and the database's differ by %s, and planning pauses above %s", skew.Round(time.Second), skewLimit), "set the clocks, as by systemd-timesyncd or chrony")
	} else {
		d.ok("clock", "agrees with the database's within "+skew.Abs().Round(time.Millisecond).String())
	}
	if err := s.CheckSchema(ctx); err != nil {
		d.wrong("schema", err, "")
		return
	}
	d.ok("schema", "is the one that this program knows")
	if faults := s.CheckStatements(ctx); len(faults) > 0 {
		d.wrong("statements", errors.Join(faults...), "grant the role what it lacks: `convened migrate`, as the owner of the schema, does")
	} else {
		d.ok("statements", "each one can be prepared with this role")
	}
	d.sources(ctx, s)
	st, err := s.Status(ctx)
	if err != nil {
		d.wrong("queue", err, "")
		return
	}
	if q := st.Quarantine; q != nil {
		d.warn("queue", "nothing is sent: "+plain(q.Reason), "if this is the database to serve: convened notices release --quarantine")
	}
	for _, q := range st.Queue {
		if age := st.At.Sub(q.OldestDue); q.State == convened.Planned && age > 10*time.Minute {
			d.warn("queue", fmt.Sprintf("%s wait, the first has been due for %s", notices(q.Notices), age.Round(time.Second)), "see `convened status` and the daemon's log")
		}
	}
}

// soon is how long before its end a certificate is worth a word.
const soon = 14 * 24 * time.Hour

func (d *doctor) relay(p *post) {
	ctx, cancel := context.WithTimeout(d.e.ctx, checkPatience)
	defer cancel()
	w, err := p.relay.Check(ctx)
	if err != nil {
		d.wrong("relay", err, "")
		return
	}
	where := net.JoinHostPort(d.cfg.SMTP.Host, strconv.Itoa(d.cfg.SMTP.Port))
	if strings.HasPrefix(d.cfg.SMTP.Host, "/") { // a Unix socket
		where = d.cfg.SMTP.Host
	}
	how := []string{where + " answers"}
	if w.TLS != "" {
		how = append(how, w.TLS)
	} else {
		how = append(how, "in the clear")
	}
	if w.Login {
		how = append(how, "logged in as "+d.cfg.SMTP.Username)
	} else {
		how = append(how, "without a login")
	}
	d.ok("relay", strings.Join(how, ", "))
	if left := w.Expires.Sub(d.e.clock()); !w.Expires.IsZero() && left < soon {
		d.warn("relay", fmt.Sprintf("its certificate ends in %s, on %s", left.Round(time.Hour), w.Expires.UTC().Format(time.DateOnly)), "renew it: past that no mail leaves")
	}
}

// A dnsRecord is a TXT record that receivers look for.
type dnsRecord struct {
	name, value string
	mark        string // how it begins, to tell it from other records of that name
	exact       bool   // it has to be this one; else it has to be there
}

// records are what should stand in the DNS so that receivers take the letters
// for ours: who may send (SPF, RFC 7208), by the bounce domain, which is what
// they check; the public key (DKIM, RFC 6376); and what to do with what fits
// neither (DMARC, RFC 7489).
func (p *post) records(cfg *config.Config) []dnsRecord {
	_, domain, _ := strings.Cut(cfg.SMTP.From.Address, "@")
	list := []dnsRecord{{cfg.SMTP.BounceDomain, "v=spf1 a:" + cfg.SMTP.Host + " -all", "v=spf1", false}}
	if ip := net.ParseIP(cfg.SMTP.Host); ip != nil && !ip.IsLoopback() {
		list[0].value = "v=spf1 ip4:" + cfg.SMTP.Host + " -all"
		if ip.To4() == nil {
			list[0].value = "v=spf1 ip6:" + cfg.SMTP.Host + " -all"
		}
	} else if cfg.SMTP.Host == "localhost" || ip != nil || strings.HasPrefix(cfg.SMTP.Host, "/") {
		list[0].value = "v=spf1 mx a ip4:THE.ADDRESS.OF.THIS.MACHINE -all"
	}
	if p.signer != nil {
		name, value := p.signer.Record()
		list = append(list, dnsRecord{name, value, "v=DKIM1", true})
	}
	return append(list, dnsRecord{"_dmarc." + domain, "v=DMARC1; p=quarantine; rua=mailto:postmaster@" + domain, "v=DMARC1", false})
}

// sources looks whether adopted tables are as they were.
func (d *doctor) sources(ctx context.Context, s *store.Store) {
	list, err := s.Sources(ctx)
	if err != nil {
		d.wrong("sources", err, "")
		return
	}
	for i := range list {
		v := &list[i]
		n, err := s.CountSource(ctx, v)
		switch t := troubles(v, n); {
		case err != nil:
			d.wrong("source "+v.Name, err, "")
		case len(t) > 0:
			d.warn("source "+v.Name, strings.Join(t, "; "), "docs/sources.md says what follows from that")
		case n.Problems > 0:
			d.warn("source "+v.Name, fmt.Sprintf("%s rows could not be taken", thousands(n.Problems)), "convened source problems "+v.Name)
		default:
			d.ok("source "+v.Name, fmt.Sprintf("%s rows taken", thousands(n.Taken)))
		}
	}
}

// published compares the DNS with what should be there.
func (d *doctor) published(p *post) {
	for _, r := range p.records(d.cfg) {
		publish := fmt.Sprintf("%s  TXT  %q", r.name, r.value)
		if reserved(r.name) {
			d.ok("publish in DNS", publish) // there is nobody to ask
			continue
		}
		ctx, cancel := context.WithTimeout(d.e.ctx, checkPatience)
		texts, err := d.names.LookupTXT(ctx, r.name)
		cancel()
		var none *net.DNSError
		if err != nil && (!errors.As(err, &none) || !none.IsNotFound) {
			d.warn("DNS", fmt.Sprintf("%s can't be looked up: %v", r.name, err), "it should be "+publish)
			continue
		}
		found := ""
		for _, t := range texts {
			if strings.HasPrefix(t, r.mark) {
				found = t
			}
		}
		switch {
		case found == "":
			d.warn("DNS", r.name+" has no record that begins with "+r.mark, "publish "+publish)
		case r.exact && mailer.PublicKeyOf(found) != mailer.PublicKeyOf(r.value):
			d.wrong("DNS", fmt.Errorf("%s has another key than letters are signed with, so that receivers take them for forged", r.name), "publish "+publish)
		default:
			d.ok("DNS", r.name+" has "+found)
		}
	}
	if d.cfg.Intake.Listen != "" {
		d.ok("publish in DNS", d.cfg.SMTP.BounceDomain+"  MX  10 THE.NAME.OF.THIS.MACHINE")
	}
}

// reserved reports whether nobody has this name: it is for samples (RFC 2606,
// RFC 6761).
func reserved(name string) bool {
	for _, r := range []string{"example", "example.com", "example.net", "example.org", "test", "invalid", "localhost"} {
		if name == r || strings.HasSuffix(name, "."+r) {
			return true
		}
	}
	return false
}
