package config

import (
	"fmt"
	"reflect"
	"strings"
)

// A Key is one line of the table that everything about a key comes from.
type Key struct {
	Name     string // in the file, such as smtp.port
	Type     string // in words
	Default  string // as one would write it; "" is none
	Doc      string // full sentences
	Required bool

	def     string // the value itself, where Default only describes it; "none" sets nothing
	example string // for a key without a default
	least   string // of numbers and durations
	most    string
	path    bool // relative to the file
	secret  bool // may hold a password
}

// Env returns the name of the environment variable that sets the key.
func (k Key) Env() string {
	return "CONVENED_" + strings.ToUpper(strings.ReplaceAll(k.Name, ".", "_"))
}

// Range says what numbers and durations are allowed; "" for every other type.
func (k Key) Range() string {
	if k.least == "" {
		return ""
	}
	return k.least + " to " + k.most
}

// Keys returns the table, in the order of the sample file.
func Keys() []Key { return append([]Key(nil), keys...) }

// The table. Its order is that of the sample file and of the reference page;
// sections stand together.
var keys = []Key{
	{Name: "database.url", Type: "URL", Required: true, secret: true, example: "postgres:///convened?host=/run/postgresql",
		Doc: "Where Postgres is: a postgres:// URL, with several hosts separated by commas where there are stand-bys. " +
			"sslmode is written out and is verify-full, unless the server is on this machine: a Unix socket (host=/run/postgresql) or a loopback address (sslmode=disable will do). " +
			"A password belongs into database.password_file, not here."},
	{Name: "database.direct_url", Type: "URL", secret: true, example: "postgres:///convened?host=/run/postgresql",
		Doc: "The same database past PgBouncer, for LISTEN and for locks. Needed only where database.url leads to PgBouncer in transaction mode. Without it database.url serves for everything."},
	{Name: "database.password_file", Type: "file", path: true, example: "/etc/convened/database-password",
		Doc: "A file that holds the database password and nothing else. Without it the credential database-password is used, where systemd hands one over."},

	{Name: "smtp.host", Type: "host name or socket", Required: true, example: "smtp.example.org",
		Doc: "The relay that takes the mail: a name that its certificate bears, an address, or the path of a Unix socket on this machine, for which smtp.port is not used."},
	{Name: "smtp.port", Type: "number", Default: "587 for starttls, 465 for tls, 25 for none", def: "none", example: "587", least: "1", most: "65535",
		Doc: "The relay's port."},
	{Name: "smtp.tls", Type: "starttls, tls or none", Default: "starttls; none where smtp.host is a socket", def: "starttls",
		Doc: "How the connection is encrypted. starttls and tls want TLS 1.2 or better and a certificate that bears smtp.host; mail is held rather than sent in the clear. none is allowed to a relay on this machine alone: under systemd the connections to it then outlive a crash, and no letter comes twice."},
	{Name: "smtp.username", Type: "text", example: "convened",
		Doc: "The name to log in with. Without it there is no login."},
	{Name: "smtp.password_file", Type: "file", path: true, example: "/etc/convened/smtp-password",
		Doc: "A file that holds the relay's password and nothing else. Without it the credential smtp-password is used, where systemd hands one over."},
	{Name: "smtp.connections", Type: "number", Default: "8", least: "1", most: "100",
		Doc: "The most connections to the relay at one time."},
	{Name: "smtp.spare", Type: "number", Default: "16", least: "0", most: "100",
		Doc: "How many connections more there may be for as long as the relay takes much longer than usual over some letters, so that the others don't wait for them. 0 where the relay allows no more than smtp.connections; one that refuses a connection too many is not asked for it again for ten minutes."},
	{Name: "smtp.rate", Type: "number", Default: "0", least: "0", most: "100000",
		Doc: "The most mails in a second, over all connections of this process. 0 is no limit; 0.5 is one in two seconds."},
	{Name: "smtp.from", Type: "mail address", Required: true, example: `"Metropolis <events@example.org>"`,
		Doc: "From whom the letters are, with the name that people see. It is the same for every event, since providers judge senders by it."},
	{Name: "smtp.reply_to", Type: "mail address", example: `"Metropolis <secretariat@example.org>"`,
		Doc: "Who reads the answers, where an event's organizer has no address. Without it answers go to smtp.from."},
	{Name: "smtp.bounce_domain", Type: "domain", Default: "the domain of smtp.from", def: "none", example: "bounces.example.org",
		Doc: "The domain of the envelope sender, where bounces come back. Each letter has an address of its own there."},
	{Name: "smtp.dot_timeout", Type: "duration", Default: "10m", least: "1s", most: "1h",
		Doc: "How long to wait for the relay's answer to a whole letter (RFC 5321 4.5.3.2.6 says ten minutes). A shorter time makes duplicates: the letter may have been taken when the wait is given up."},
	{Name: "smtp.dkim.domain", Type: "domain", example: "example.org",
		Doc: "The domain that signs (d=): that of smtp.from, or one above or below it. Leave all of smtp.dkim out where the relay signs."},
	{Name: "smtp.dkim.selector", Type: "text", example: "convened2026",
		Doc: "The selector (s=): the public key stands in the DNS at SELECTOR._domainkey.DOMAIN."},
	{Name: "smtp.dkim.key_file", Type: "file", path: true, example: "/etc/convened/dkim.pem",
		Doc: "The private key in PEM, RSA of at least 2048 bits or Ed25519. Without it the credential dkim-key is used, where systemd hands one over."},

	{Name: "public.listen", Type: "listener", Default: "127.0.0.1:8080",
		Doc: "Where the registrants' pages are served, for a reverse proxy in front: host:port, unix:/path, or off. docs/public-pages.md has the lines for the proxy."},
	{Name: "public.url", Type: "URL", Required: true, example: "https://events.example.org",
		Doc: "How the world reaches public.listen: the beginning of every link in a letter. https, unless it is a loopback address for trying things out."},
	{Name: "public.embed_on", Type: "list of web sites", Default: "none but the event's page_url", def: "none", example: "[https://www.example.org]",
		Doc: "Web sites, beside the one of an event's page_url, whose pages may show the event's sign-up form in a frame."},
	{Name: "console.listen", Type: "listener", Default: "127.0.0.1:8081",
		Doc: "Where the organisers' console is served, with /healthz and /readyz for monitoring: host:port, unix:/path, or off. docs/console.md has the lines for a reverse proxy."},
	{Name: "console.url", Type: "URL", Default: "http:// and console.listen", def: "none", example: "https://console.example.org",
		Doc: "How organisers' browsers reach console.listen. https, unless it is a loopback address: passwords go over it."},
	{Name: "console.oidc.issuer", Type: "URL", example: "https://login.example.org",
		Doc: "An OpenID Connect provider that organisers may sign in with: its issuer, whose /.well-known/openid-configuration says the rest. Its redirect address is console.url with /signin/oidc/callback behind it. Leave all of console.oidc out where there is none."},
	{Name: "console.oidc.name", Type: "text", Default: "the host of console.oidc.issuer", def: "none", example: "Example Login",
		Doc: "What the provider is called on the page where one signs in."},
	{Name: "console.oidc.client_id", Type: "text", example: "convened",
		Doc: "The client that the provider knows this console as."},
	{Name: "console.oidc.client_secret_file", Type: "file", path: true, example: "/etc/convened/oidc-client-secret",
		Doc: "A file that holds the client's secret and nothing else. Without it the credential oidc-client-secret is used, where systemd hands one over; without either it is a public client (PKCE is used in any case)."},
	{Name: "console.oidc.create_users", Type: "true or false", Default: "false",
		Doc: "Whether an address that the provider has verified and that no user has makes a new user, who may see nothing until a role is granted. Otherwise it is turned away."},
	{Name: "intake.listen", Type: "listener", Default: "off", example: "127.0.0.1:2424",
		Doc: "Where bounces, complaints and answers from calendars are taken in, by LMTP from the mail server on this machine: host:port of a loopback address, unix:/path, or off. The lines for Postfix and Exim are in docs/bounces.md."},

	{Name: "poll_interval", Type: "duration", Default: "5s", least: "100ms", most: "10m",
		Doc: "How often the daemon looks for work without being told. New registrations are noticed at once; this is what is relied on when that fails."},
	{Name: "batch", Type: "number", Default: "100", least: "1", most: "1000",
		Doc: "How many notices are claimed at one time."},
	{Name: "lease", Type: "duration", Default: "60s", least: "5s", most: "1h",
		Doc: "How long a claim holds before other daemons may take the work over. It must cover the wait for a free connection, and after that the dialogue up to the final dot."},
	{Name: "retry.first", Type: "duration", Default: "5m", least: "1s", most: "6h",
		Doc: "The wait after the first temporary error. It grows to 3, 6 and 12 times that, and stays there (5, 15, 30 and 60 minutes, then hourly), each give or take a fifth."},
	{Name: "on_unknown.confirmation", Type: "number", Default: "3", least: "0", most: "10",
		Doc: "How often a confirmation goes out again after the connection died behind its final dot, when nobody knows whether it arrived. It is the same letter each time; then it is held for somebody to look at. 0 holds it at once."},
	{Name: "on_unknown.update", Type: "number", Default: "3", least: "0", most: "10",
		Doc: "The same for updates."},
	{Name: "on_unknown.cancellation", Type: "number", Default: "3", least: "0", most: "10",
		Doc: "The same for cancellations."},
	{Name: "on_unknown.reminder", Type: "number", Default: "1", least: "0", most: "10",
		Doc: "The same for reminders, as long as they are of use."},
	{Name: "on_unknown.followup", Type: "number", Default: "1", least: "0", most: "10",
		Doc: "The same for follow-ups."},
	{Name: "grace", Type: "duration", Default: "1h", least: "1m", most: "7 days",
		Doc: "How late a reminder may still leave, and never later than half of the time from its instant to the start of the event. Past it the reminder is cancelled as too late."},
	{Name: "update_quiet", Type: "duration", Default: "2m", least: "0s", most: "1 day",
		Doc: "How long an event's title, place and link must stay as they are before people are written to about a change. A moved start is told at once."},
	{Name: "fuse.max", Type: "number", Default: "20000", least: "1", most: "10000000",
		Doc: "The most confirmations of one event that are sent within an hour. More are held until somebody releases them, as are registrations that are older than their event or that come after it. Reminders go to those whose confirmation was not held; updates and cancellations are agreed to when the event is edited. Their number is not bounded."},
	{Name: "quarantine_after", Type: "duration", Default: "7 days", least: "1h", most: "365 days",
		Doc: "For how long no daemon may have been there, while there is something to send, before nothing is sent until somebody says so: the database may be an old copy. A database that is seen to be a copy needs no such time."},
	{Name: "preflight", Type: "duration", Default: "4h", least: "0s", most: "7 days",
		Doc: "How long before an event starts its organizer is written to if anything is wrong: no link to join, addresses that were refused, mail that is held or could not be sent. 0s is never."},
	{Name: "retention", Type: "duration", Default: "for ever", def: "none", example: "365 days", least: "1 day", most: "36500 days",
		Doc: "How long after an event's end the names and addresses of its registrants are kept."},
	{Name: "state_dir", Type: "directory", Default: "$STATE_DIRECTORY, else /var/lib/convened", def: "/var/lib/convened", path: true,
		Doc: "Where the daemon keeps its journal. Where it can't write there it warns, and goes on without."},
	{Name: "templates_dir", Type: "directory", path: true, example: "/etc/convened/templates",
		Doc: "Templates of your own, which go before the built-in ones of the same name."},
	{Name: "sources", Type: "list of tables", Default: "none", def: "none", example: `[{name: signups, table: public.signups, event_column: webinar_slug, map: {email: mail, name: "first || ' ' || last"}}]`,
		Doc: "Tables of others that registrations come from. Each has a name, a table and a map (email, name, language, zone: a column, or SQL over a row), and event or event_column; it may have cancelled_column, key, poll and keep. Nothing happens until `convened source add NAME` adopts it. See docs/sources.md."},
	{Name: "allow_recipients", Type: "list of addresses and domains", Default: "everyone", def: "none", example: "[me@example.org, example.net]",
		Doc: "Addresses and domains that mail may go to; everybody else's is held, whatever it is. For a staging system, so that it can't write to the world."},
}

// initial is the text that Default sets the key from; "" leaves it alone.
func (k Key) initial() string {
	switch k.def {
	case "":
		return k.Default
	case "none":
		return ""
	}
	return k.def
}

// keyNamed returns the key of that name; it panics for any other.
func keyNamed(name string) Key {
	for _, k := range keys {
		if k.Name == name {
			return k
		}
	}
	panic("config: no key " + name)
}

// field returns the field of c that the key of that name sets.
func field(c *Config, name string) reflect.Value {
	v := reflect.ValueOf(c).Elem()
	for part := range strings.SplitSeq(name, ".") {
		v = fieldOf(v, part)
		if !v.IsValid() {
			panic("config: no field for the key " + name)
		}
	}
	return v
}

// Default returns the defaults alone. It is not valid: what is required is
// missing, and what follows from other keys is not filled in.
func Default() Config {
	c := Config{origins: map[string]origin{}}
	for _, k := range keys {
		c.origins[k.Name] = origin{what: "default"}
		if k.initial() == "" {
			continue
		}
		if err := setText(field(&c, k.Name), k.initial()); err != nil {
			panic(fmt.Sprintf("config: default of %s: %v", k.Name, err))
		}
	}
	return c
}

// setText sets a field from the text of an environment variable: a scalar, or
// a list separated by commas.
func setText(f reflect.Value, text string) error {
	if f.Kind() != reflect.Slice {
		return setScalar(f, text)
	}
	if list, ok := f.Addr().Interface().(*[]Source); ok {
		var c struct {
			Sources []Source `yaml:"sources"`
		}
		if err := DecodeYAML("", []byte("sources: "+text), &c); err != nil {
			return &Invalid{"is not a list of tables", "write [{name: signups, table: public.signups, …}]"}
		}
		*list = c.Sources
		return nil
	}
	var items []string
	for item := range strings.SplitSeq(strings.Trim(text, "[]"), ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	f.Set(reflect.ValueOf(items))
	return nil
}
