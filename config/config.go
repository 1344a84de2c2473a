// Package config makes one validated value out of the configuration file, the
// environment and the credentials, and reads YAML for whoever else needs it.
//
// The story is told in Load: defaults, the file over them, the environment
// over that, secrets from files of their own, and then every rule at once. The
// keys stand in one table (keys.go) with type, default, range and a sentence
// each, and from it come the defaults, the names of the environment variables,
// the sample file, the reference page and what `config show` prints. So
// documentation that differs from the program is a failing test.
//
// The invariant: a *Config that Load returned is complete and right as far as
// this machine can tell without talking to another, and an error of Load names
// everything that is wrong, each with key, value, rule, mend and place. What
// is merely unwise is a warning.
//
// It is the only importer of a YAML library, and uses its parser alone. What a
// value is, is decided by who reads it (see Document), and so event files and
// configuration speak of their mistakes in the same way.
//
// It does not connect to anything, keeps no global, knows no flags but the
// file's name, and never writes a password into a message.
package config

import (
	"net/mail"
	"slices"
	"strings"
	"time"
)

// DefaultFile is where the configuration is looked for when no --config says
// otherwise.
const DefaultFile = "/etc/convened/convened.yaml"

// A Config is the validated configuration. The docs of its fields are the
// table in keys.go, and docs/configuration.md.
type Config struct {
	Database        Database      `yaml:"database"`
	SMTP            SMTP          `yaml:"smtp"`
	Public          Public        `yaml:"public"`
	Console         Console       `yaml:"console"`
	Intake          Intake        `yaml:"intake"`
	PollInterval    time.Duration `yaml:"poll_interval"`
	Batch           int           `yaml:"batch"`
	Lease           time.Duration `yaml:"lease"`
	Retry           Retry         `yaml:"retry"`
	Grace           time.Duration `yaml:"grace"`
	UpdateQuiet     time.Duration `yaml:"update_quiet"`
	Fuse            Fuse          `yaml:"fuse"`
	OnUnknown       OnUnknown     `yaml:"on_unknown"`
	QuarantineAfter time.Duration `yaml:"quarantine_after"`
	Preflight       time.Duration `yaml:"preflight"` // 0: never
	Retention       time.Duration `yaml:"retention"` // 0: for ever
	StateDir        string        `yaml:"state_dir"`
	TemplatesDir    string        `yaml:"templates_dir"` // "": the built-in ones alone
	Sources         []Source      `yaml:"sources"`
	AllowRecipients []string      `yaml:"allow_recipients"` // nil: everyone; see Allows

	origins  map[string]origin
	warnings []string
}

// Database says where Postgres is. Who connects takes Source and DirectSource,
// which hold the password.
type Database struct {
	URL          string `yaml:"url" aka:"dsn,uri,connection,host"`
	DirectURL    string `yaml:"direct_url"`
	PasswordFile string `yaml:"password_file" aka:"password,pass"`
	Password     Secret // from password_file or the credential; "" is none but the URL's
}

// SMTP says how mail leaves.
type SMTP struct {
	Host         string        `yaml:"host" aka:"server,relay,smarthost"`
	Port         int           `yaml:"port"` // never 0 after Load
	TLS          TLS           `yaml:"tls" aka:"starttls,ssl,encryption"`
	Username     string        `yaml:"username" aka:"login"`
	PasswordFile string        `yaml:"password_file" aka:"password,pass"`
	Password     Secret        // from password_file or the credential
	Connections  int           `yaml:"connections"`
	Spare        int           `yaml:"spare"`
	Rate         float64       `yaml:"rate"` // mails a second; 0 is unlimited
	From         mail.Address  `yaml:"from" aka:"sender"`
	ReplyTo      mail.Address  `yaml:"reply_to"`      // Address "": none
	BounceDomain string        `yaml:"bounce_domain"` // never "" after Load
	DotTimeout   time.Duration `yaml:"dot_timeout"`
	DKIM         DKIM          `yaml:"dkim"`
}

// A TLS says how the connection to the relay is encrypted.
type TLS string

// The three ways to a relay.
const (
	StartTLS TLS = "starttls" // TLS 1.2 or better after STARTTLS, the name verified
	TLSOnly  TLS = "tls"      // TLS from the first byte
	NoTLS    TLS = "none"     // to a relay on this machine only
)

// DKIM says who signs. Domain "" is no signature.
type DKIM struct {
	Domain   string `yaml:"domain"`
	Selector string `yaml:"selector"`
	KeyFile  string `yaml:"key_file" aka:"key,private_key"`
	Key      Secret // the PEM text, from key_file or the credential; RSA or Ed25519
}

// Public is what registrants' browsers reach.
type Public struct {
	Listen string `yaml:"listen"` // host:port or unix:/path; "" is no listener
	URL    string `yaml:"url"`    // without a slash at its end

	EmbedOn []string `yaml:"embed_on" aka:"embed"` // origins, such as https://www.example.org
}

// Console is what the organisers' browsers reach.
type Console struct {
	Listen string `yaml:"listen"` // as Public.Listen
	URL    string `yaml:"url"`    // without a slash at its end; "" after Load where there is no listener on TCP and none was given
	OIDC   OIDC   `yaml:"oidc"`
}

// OIDC says who else lets organisers in. Issuer "" is nobody.
type OIDC struct {
	Issuer           string `yaml:"issuer" aka:"provider,url"`
	Name             string `yaml:"name"` // never "" after Load, where there is an issuer
	ClientID         string `yaml:"client_id"`
	ClientSecretFile string `yaml:"client_secret_file" aka:"client_secret,secret"`
	ClientSecret     Secret // from client_secret_file or the credential; "" for a public client
	CreateUsers      bool   `yaml:"create_users"`
}

// Intake is what the mail server on this machine reaches.
type Intake struct {
	Listen string `yaml:"listen"` // as Public.Listen, and loopback or a socket
}

// Retry says when a temporary error is tried again.
type Retry struct {
	First time.Duration `yaml:"first"`
}

// OnUnknown says how often a letter of each kind goes out again after nobody
// knew whether it had arrived.
type OnUnknown struct {
	Confirmation int `yaml:"confirmation"`
	Update       int `yaml:"update"`
	Cancellation int `yaml:"cancellation"`
	Reminder     int `yaml:"reminder"`
	Followup     int `yaml:"followup"`
}

// Fuse says how much mail may leave before a person looks.
type Fuse struct {
	Max int `yaml:"max"`
}

// A Source is a table of somebody else's that registrations come from, as
// `convened source add NAME` takes it.
type Source struct {
	Name            string            `yaml:"name"`
	Table           string            `yaml:"table" aka:"relation,from"`
	Map             map[string]string `yaml:"map" aka:"mapping,columns"` // email, name, language, zone, event, cancelled: SQL over a row
	Event           string            `yaml:"event"`
	EventColumn     string            `yaml:"event_column"`
	CancelledColumn string            `yaml:"cancelled_column"`
	Key             []string          `yaml:"key" aka:"primary_key"`
	Poll            bool              `yaml:"poll"`
	Keep            bool              `yaml:"keep"` // rows that are deleted or cancelled keep their seats
}

// A Secret prints as stars, in every format, logs and JSON among them.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String is "***", or "" for no secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString hides it from %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalText hides it from JSON and slog.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Warnings are what is allowed but unwise, each a sentence without its final
// stop, in a fixed order.
func (c *Config) Warnings() []string { return slices.Clone(c.warnings) }

// Allows reports whether mail may go to an address: allow_recipients is empty,
// or names the address or its domain. Case does not matter.
func (c *Config) Allows(address string) bool {
	if len(c.AllowRecipients) == 0 {
		return true
	}
	_, domain, _ := cutLast(address, "@")
	return slices.ContainsFunc(c.AllowRecipients, func(allowed string) bool {
		if local, d, ok := cutLast(allowed, "@"); ok && local != "" {
			return strings.EqualFold(allowed, address)
		} else if ok {
			return strings.EqualFold(d, domain)
		}
		return strings.EqualFold(allowed, domain)
	})
}
