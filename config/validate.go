package config

import (
	"cmp"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"os"
	"path"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// validate fills in what follows from other keys, and then holds every rule
// against the effective values.
func (l *loader) validate() {
	for _, k := range keys {
		f := field(&l.cfg, k.Name)
		if k.Required && f.IsZero() {
			l.problem(k.Name, "is required", fmt.Sprintf("set it, for example to %s (or %s in the environment)", k.example, k.Env()))
		}
		if k.least != "" && !l.follows(k.Name) {
			l.checkRange(k, f)
		}
	}
	l.checkDatabase()
	l.checkRelay()
	l.checkSender()
	l.checkDKIM()
	l.checkPublic()
	l.checkRest()
}

// follows reports whether a key's zero means that other keys decide.
func (l *loader) follows(name string) bool {
	return (name == "smtp.port" || name == "retention") && l.cfg.origins[name].what == "default"
}

func (l *loader) checkRange(k Key, f reflect.Value) {
	least, most := reflect.New(f.Type()).Elem(), reflect.New(f.Type()).Elem()
	if setText(least, k.least) != nil || setText(most, k.most) != nil {
		panic("config: range of " + k.Name)
	}
	if compare(f, least) < 0 || compare(f, most) > 0 {
		mend := "write a value in that range"
		if k.Default != "" {
			mend += ", or leave it out (default: " + k.Default + ")"
		}
		l.problem(k.Name, "is not in the range from "+k.Range(), mend)
	}
}

func compare(a, b reflect.Value) int {
	if a.CanFloat() {
		return cmp.Compare(a.Float(), b.Float())
	}
	return cmp.Compare(a.Int(), b.Int())
}

func (l *loader) checkDatabase() {
	d := &l.cfg.Database
	for _, u := range []struct{ name, text string }{{"database.url", d.URL}, {"database.direct_url", d.DirectURL}} {
		if u.text == "" {
			continue
		}
		a, err := parseDatabaseURL(u.text)
		if err == nil {
			err = a.checkTLS()
		}
		if err != nil {
			l.invalid(u.name, err)
			continue
		}
		if a.hasPassword || a.params.Has("password") {
			w := u.name + " holds a password, which shows in backups and process lists; put it into database.password_file"
			if o := l.cfg.origins[u.name]; o.what == "file" && worldReadable(l.file) {
				w += " (and everyone on this machine can read " + l.file + ")"
			}
			if d.Password != "" {
				w += ". The one from the file or credential is used"
			}
			l.warn("%s", w)
		}
	}
}

func worldReadable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().Perm()&0o004 != 0
}

// longestSocket is how long the path of a Unix socket may be on Linux.
const longestSocket = 107

func (l *loader) checkRelay() {
	s := &l.cfg.SMTP
	socket := strings.HasPrefix(s.Host, "/")
	if socket && l.cfg.origins["smtp.tls"].what == "default" {
		s.TLS = NoTLS
	}
	switch {
	case socket && len(s.Host) > longestSocket:
		l.problem("smtp.host", fmt.Sprintf("is a socket's path of more than %d bytes, which the kernel does not take", longestSocket), "have the relay listen at a shorter one")
	case socket && strings.ContainsFunc(s.Host, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		l.problem("smtp.host", "is a socket's path with a blank or a control character", "have the relay listen at another one")
	case s.Host != "" && !socket && !isHost(s.Host):
		mend := "write a name such as smtp.example.org"
		if path, ok := strings.CutPrefix(s.Host, "unix:"); ok {
			mend = "write " + path + " for a socket"
		} else if _, host, ok := strings.Cut(s.Host, "://"); ok && isHost(host) {
			mend = "write " + host
		} else if host, port, err := net.SplitHostPort(s.Host); err == nil && isHost(host) {
			mend = "write " + host + ", and " + port + " under smtp.port"
		}
		l.problem("smtp.host", "is not a host name", mend)
	}
	ports := map[TLS]int{StartTLS: 587, TLSOnly: 465, NoTLS: 25}
	if _, ok := ports[s.TLS]; !ok {
		mend := "write one of them"
		if near := Nearest(string(s.TLS), []string{string(StartTLS), string(TLSOnly), string(NoTLS)}); near != "" {
			mend = "did you mean " + near + "?"
		} else if strings.Contains("false off no disable", strings.ToLower(string(s.TLS))) {
			mend = "write none, if the relay is on this machine"
		}
		l.problem("smtp.tls", "is none of starttls, tls and none", mend)
	}
	if s.Port == 0 && l.follows("smtp.port") {
		s.Port = ports[s.TLS]
	}
	switch {
	case socket && (s.TLS == StartTLS || s.TLS == TLSOnly):
		l.problem("smtp.tls", "verifies a name, and smtp.host is a socket of this machine, which has none", "write none")
	case s.TLS == NoTLS && s.Host != "" && !socket && !isLoopback(s.Host):
		l.problem("smtp.tls", "sends mail and passwords in the clear, which is allowed to a relay on this machine alone",
			"write starttls or tls, or a smtp.host such as localhost")
	}
	switch {
	case s.Username != "" && s.Password == "" && !l.bad["smtp.password_file"]:
		l.problem("smtp.password_file", "is required with smtp.username", "name a file that holds the password, hand over the credential smtp-password, or take smtp.username out")
	case s.Username == "" && s.Password != "" && l.cfg.origins["smtp.password_file"].what != "credential":
		l.problem("smtp.username", "is required with smtp.password_file", "write the name to log in with, or take smtp.password_file out")
	case s.Username == "" && s.Password != "":
		l.warn("there is a credential smtp-password and no smtp.username; it is not used, and there is no login")
		l.cfg.SMTP.Password = ""
	}
	if s.DotTimeout < 10*time.Minute {
		l.warn("smtp.dot_timeout is %s; less than 10m makes duplicates where the relay is slow (RFC 5321 4.5.3.2.6)", FormatDuration(s.DotTimeout))
	}
}

func (l *loader) checkSender() {
	s := &l.cfg.SMTP
	for _, a := range []struct {
		name    string
		address mail.Address
	}{{"smtp.from", s.From}, {"smtp.reply_to", s.ReplyTo}} {
		if a.address.Address == "" {
			continue
		}
		if _, domain, _ := cutLast(a.address.Address, "@"); !isMailDomain(domain) {
			l.problem(a.name, "is an address whose domain is not one of the internet", "write a domain such as example.org")
		}
	}
	if s.From.Address != "" && s.From.Name == "" && !l.bad["smtp.from"] {
		l.warn(`smtp.from has no name for people to see; write "Name <address>"`)
	}
	if s.BounceDomain == "" {
		_, s.BounceDomain, _ = cutLast(s.From.Address, "@")
	} else if !isMailDomain(s.BounceDomain) {
		l.problem("smtp.bounce_domain", "is not a domain", "write one such as bounces.example.org")
	}
}

// isMailDomain reports whether mail can have such a domain: a host name of
// more than one label, or one that is this machine.
func isMailDomain(domain string) bool {
	return isHost(domain) && net.ParseIP(domain) == nil && (isLoopback(domain) || strings.Contains(strings.Trim(domain, "."), "."))
}

func (l *loader) checkDKIM() {
	d := l.cfg.SMTP.DKIM
	named := []struct{ name, value, example string }{
		{"smtp.dkim.domain", d.Domain, "the domain of smtp.from"},
		{"smtp.dkim.selector", d.Selector, "the name under which the public key stands in the DNS"},
		{"smtp.dkim.key_file", d.KeyFile, "the file of the private key, or hand over the credential dkim-key"},
	}
	if d.Domain == "" && d.Selector == "" && (d.KeyFile == "" || l.bad["smtp.dkim.key_file"]) {
		return
	}
	for _, n := range named {
		if n.value == "" {
			l.problem(n.name, "is required for a signature", "write "+n.example+", or leave out all of smtp.dkim and the credential dkim-key")
		}
	}
	if d.Domain != "" && !isMailDomain(d.Domain) {
		l.problem("smtp.dkim.domain", "is not a domain", "write one such as example.org")
	}
	if d.Selector != "" && (!isHost(d.Selector) || strings.ContainsAny(d.Selector, "[]:")) {
		l.problem("smtp.dkim.selector", "is not a selector", "write letters, digits and hyphens")
	}
	if _, from, _ := cutLast(l.cfg.SMTP.From.Address, "@"); d.Domain != "" && from != "" && !aligned(d.Domain, from) {
		l.problem("smtp.dkim.domain", "does not match "+from+", the domain of smtp.from, so the signature would not count (RFC 7489 3.1.1)", "write "+from)
	}
	if d.Key != "" {
		rule, weak := checkSigningKey(d.Key.Reveal())
		if rule != "" {
			l.problem("smtp.dkim.key_file", rule, "make one with openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048")
		}
		if weak {
			l.warn("smtp.dkim.key_file is an RSA key of less than 2048 bits, which some verifiers count for nothing (RFC 8301)")
		}
	}
}

// aligned reports whether a signature by one domain speaks for the other: they
// are the same, or one lies below the other.
func aligned(a, b string) bool {
	a, b = "."+strings.ToLower(strings.Trim(a, ".")), "."+strings.ToLower(strings.Trim(b, "."))
	return strings.HasSuffix(a, b) || strings.HasSuffix(b, a)
}

func (l *loader) checkPublic() {
	p := &l.cfg.Public
	if p.URL != "" {
		if u := l.checkSite("public.url", p.URL, "its links carry keys", "https://events.example.org"); u != nil && isLoopback(u.Hostname()) {
			l.warn("public.url is %s: the links in the letters work on this machine alone", p.URL)
		}
		p.URL = strings.TrimRight(p.URL, "/")
	}
	l.checkEmbedders()
	for _, listen := range []struct {
		name  string
		value *string
	}{{"public.listen", &p.Listen}, {"console.listen", &l.cfg.Console.Listen}, {"intake.listen", &l.cfg.Intake.Listen}} {
		if strings.EqualFold(*listen.value, "off") {
			*listen.value = ""
			continue
		}
		l.checkListener(listen.name, *listen.value)
	}
	if p.Listen != "" && p.Listen == l.cfg.Console.Listen && !l.bad["public.listen"] {
		l.problem("console.listen", "is the same as public.listen", "write another port, or off")
	}
	l.checkConsole()
	l.checkIntake()
}

// checkSite holds a key to the address of a web site that browsers reach without being
// listened to, and returns it; nil where it is none. why says what would be overheard.
func (l *loader) checkSite(name, text, why, example string) *url.URL {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || !isHost(u.Hostname()):
		l.problem(name, "is not the address of a web site", "write something like "+example)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		l.problem(name, "has more than a host and a path", "write something like "+example)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		l.problem(name, "is not https, and "+why, "write https://"+strings.TrimPrefix(text, "http://"))
	default:
		return u
	}
	return nil
}

// checkConsole fills in where the console is, and looks at who else lets people in.
func (l *loader) checkConsole() {
	c := &l.cfg.Console
	if c.URL == "" && c.Listen != "" && !strings.HasPrefix(c.Listen, "unix:") && !l.bad["console.listen"] {
		host, port, _ := net.SplitHostPort(c.Listen)
		if host == "" || !isLoopback(host) {
			host = "127.0.0.1" // whoever is elsewhere has a proxy with a name
			l.warn("console.listen can be reached from other machines, and console.url does not say how; set it to the https address of the proxy")
		}
		c.URL = "http://" + net.JoinHostPort(host, port)
	} else if c.URL != "" {
		l.checkSite("console.url", c.URL, "passwords go over it", "https://console.example.org")
	}
	c.URL = strings.TrimRight(c.URL, "/")
	if strings.HasPrefix(c.Listen, "unix:") && c.URL == "" && !l.bad["console.listen"] {
		l.problem("console.url", "is required where console.listen is a socket", "write how browsers reach it, such as https://console.example.org")
	}
	o := &c.OIDC
	if o.Issuer == "" {
		for name, value := range map[string]string{"console.oidc.client_id": o.ClientID, "console.oidc.name": o.Name} {
			if value != "" {
				l.problem(name, "is of use with console.oidc.issuer alone", "write the issuer, or take it out")
			}
		}
		return
	}
	if u := l.checkSite("console.oidc.issuer", o.Issuer, "who signs in is taken for whom it names", "https://login.example.org"); u != nil && o.Name == "" {
		o.Name = u.Hostname()
	}
	if o.ClientID == "" {
		l.problem("console.oidc.client_id", "is required with console.oidc.issuer", "write the name that the provider has given this console")
	}
}

// checkEmbedders holds public.embed_on to origins: a policy of a page names sites by
// scheme, host and port alone.
func (l *loader) checkEmbedders() {
	list := l.cfg.Public.EmbedOn
	for i, site := range list {
		u, err := url.Parse(site)
		if err == nil && (u.Scheme == "https" || u.Scheme == "http") && isHost(u.Hostname()) && u.User == nil && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == "" {
			list[i] = u.Scheme + "://" + strings.ToLower(u.Host)
			continue
		}
		if l.cfg.origins["public.embed_on"].what == "file" {
			l.add(l.doc.Problem(fmt.Sprintf("public.embed_on[%d]", i+1), "is not the address of a web site without a path", "write something like https://www.example.org"))
			continue
		}
		l.problem("public.embed_on", "is not a list of web sites", "write https://www.example.org,https://example.net")
	}
}

// checkIntake holds the intake to this machine: LMTP is no protocol for a network
// (RFC 2033 5), and asks nobody who they are.
func (l *loader) checkIntake() {
	listen := l.cfg.Intake.Listen
	if listen == "" || l.bad["intake.listen"] || strings.HasPrefix(listen, "unix:") {
		return
	}
	if host, _, _ := net.SplitHostPort(listen); !isLoopback(host) {
		l.problem("intake.listen", "can be reached from other machines, and is for the mail server on this one", "write 127.0.0.1:2424, or unix:/run/convened/intake.sock")
		return
	}
	if listen == l.cfg.Public.Listen || listen == l.cfg.Console.Listen {
		l.problem("intake.listen", "is the same as public.listen or console.listen", "write another port, or off")
	}
}

func (l *loader) checkListener(name, value string) {
	if file, ok := strings.CutPrefix(value, "unix:"); ok {
		if !path.IsAbs(file) {
			l.problem(name, "is a socket without an absolute path", "write something like unix:/run/convened/"+strings.TrimSuffix(name, ".listen")+".sock")
		}
		return
	}
	host, port, err := net.SplitHostPort(value)
	n, numberErr := strconv.Atoi(port)
	if err != nil || numberErr != nil || n < 0 || n > 65535 || host != "" && !isHost(host) {
		l.problem(name, "is not an address to listen on", "write host:port such as 127.0.0.1:8080, unix:/path, or off")
	}
}

// checkSources looks at what can be seen of adopted tables without the database.
func (l *loader) checkSources() {
	names := map[string]bool{}
	if l.cfg.origins["sources"].what != "file" {
		return
	}
	for i, s := range l.cfg.Sources {
		at := fmt.Sprintf("sources[%d]", i+1)
		switch {
		case s.Name == "" || s.Table == "":
			l.add(l.doc.Problem(at, "has no name or no table", "write {name: signups, table: public.signups, …}"))
		case names[s.Name]:
			l.add(l.doc.Problem(at+".name", "is the name of another source too", "give each its own"))
		case s.Map["email"] == "":
			l.add(l.doc.Problem(at, "does not say where the address is", "write map: {email: mail}, with the column's name"))
		}
		names[s.Name] = true
	}
}

func (l *loader) checkRest() {
	l.checkSources()
	if dir := l.cfg.TemplatesDir; dir != "" {
		if info, err := os.Stat(dir); err != nil {
			l.problem("templates_dir", "can't be read: "+reason(err), "make the directory, or leave the key out for the built-in templates")
		} else if !info.IsDir() {
			l.problem("templates_dir", "is not a directory", "name the directory that holds the templates")
		}
	}
	for i, allowed := range l.cfg.AllowRecipients {
		domain := strings.TrimPrefix(allowed, "@")
		address, err := mail.ParseAddress(allowed)
		if isMailDomain(domain) || err == nil && address.Name == "" && address.Address == allowed {
			continue
		}
		if l.cfg.origins["allow_recipients"].what == "file" {
			l.add(l.doc.Problem(fmt.Sprintf("allow_recipients[%d]", i+1), "is neither an address nor a domain", "write me@example.org or example.org"))
			continue
		}
		l.problem("allow_recipients", "is not a list of addresses and domains", "write me@example.org,example.net")
	}
	if n := len(l.cfg.AllowRecipients); n > 0 {
		// Addresses don't belong into logs, and warnings go there.
		l.warn("allow_recipients is set: mail goes to what it names (%d) alone, and everybody else's is held", n)
	}
}
