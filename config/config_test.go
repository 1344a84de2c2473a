package config

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files and docs/configuration.md")

// golden compares got with a file, or rewrites it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (run with -update)", err)
	}
	if got != string(want) {
		t.Errorf("%s\n--- got\n%s\n--- want\n%s", file, got, want)
	}
}

// required is the least that Load accepts, by environment.
func required(more ...string) []string {
	return append([]string{
		"CONVENED_DATABASE_URL=postgres:///convened?host=/run/postgresql",
		"CONVENED_SMTP_HOST=smtp.example.org",
		"CONVENED_SMTP_FROM=Metropolis <events@example.org>",
		"CONVENED_PUBLIC_URL=https://events.example.org",
	}, more...)
}

// write puts a file into a new directory.
func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return file
}

func loaded(t *testing.T, text string, env ...string) *Config {
	t.Helper()
	c, err := Load(write(t, "convened.yaml", text, 0o600), env)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// problems returns the keys that an error of Load is about, with their rules.
func problems(t *testing.T, err error) []string {
	t.Helper()
	ps, ok := err.(*Problems)
	if err != nil && !ok {
		t.Fatalf("error is a %T, want *Problems: %v", err, err)
	}
	var all []string
	if ok {
		for _, p := range ps.List {
			all = append(all, p.Key+" "+p.Rule)
		}
	}
	return all
}

func TestBadFilesSayWhatIsWrongAndHowToMendIt(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 80 {
		t.Fatalf("%d bad files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			c, err := Load(file, nil)
			if err == nil {
				t.Fatalf("no error, but %s", c.Show())
			}
			for _, p := range err.(*Problems).List {
				if p.Rule == "" || p.Mend == "" {
					t.Errorf("%q has no rule or no mend", p.Error())
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the message holds the password: %v", err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", err.Error()+"\n")
		})
	}
}

func TestDefaultsStandWhereNothingIsSaid(t *testing.T) {
	c, err := Load(DefaultFile+".not", required())
	if err == nil {
		t.Fatalf("a file that was named may not be missing, got %s", c.Show())
	}
	c = loaded(t, "", required()...)
	got := strings.TrimSuffix(fmt.Sprintln(c.SMTP.Port, c.SMTP.TLS, c.SMTP.Connections, c.SMTP.Rate, c.SMTP.DotTimeout, c.SMTP.BounceDomain, c.PollInterval, c.Batch,
		c.Lease, c.Retry.First, c.Grace, c.UpdateQuiet, c.Fuse.Max, c.QuarantineAfter, c.Retention, c.StateDir, c.TemplatesDir, c.AllowRecipients), "\n")
	want := "587 starttls 8 0 10m0s example.org 5s 100 1m0s 5m0s 1h0m0s 2m0s 20000 168h0m0s 0s /var/lib/convened  []"
	if got != want {
		t.Errorf("defaults\n got %s\nwant %s", got, want)
	}
	if w := c.Warnings(); len(w) != 0 {
		t.Errorf("warnings %q, want none", w)
	}
}

func TestThePortFollowsTLS(t *testing.T) {
	for tls, want := range map[string]int{"starttls": 587, "tls": 465, "none": 25} {
		c := loaded(t, "smtp:\n  host: localhost\n  tls: "+tls+"\n", "CONVENED_DATABASE_URL=postgres:///convened?host=/run/postgresql",
			"CONVENED_SMTP_FROM=Metropolis <events@example.org>", "CONVENED_PUBLIC_URL=https://events.example.org")
		if c.SMTP.Port != want {
			t.Errorf("port for %s is %d, want %d", tls, c.SMTP.Port, want)
		}
	}
	if c := loaded(t, "smtp: {port: 2525}", required()...); c.SMTP.Port != 2525 {
		t.Errorf("port is %d, want what the file says", c.SMTP.Port)
	}
}

func TestTheEnvironmentGoesBeforeTheFile(t *testing.T) {
	c := loaded(t, `
batch: 10
lease: 30s
smtp:
  dkim: {}
  rate: 0.5
allow_recipients: [a@example.org]
`, required("CONVENED_BATCH=20", "CONVENED_LEASE=", "CONVENED_SMTP_BOUNCE_DOMAIN=bounces.example.org", "CONVENED_ALLOW_RECIPIENTS=b@example.org, example.net")...)
	if c.Batch != 20 {
		t.Errorf("batch is %d, want that of the environment", c.Batch)
	}
	if c.Lease != 30*time.Second {
		t.Errorf("lease is %s, want that of the file, for an empty variable is not set", c.Lease)
	}
	if c.SMTP.BounceDomain != "bounces.example.org" || c.SMTP.Rate != 0.5 {
		t.Errorf("smtp is %+v", c.SMTP)
	}
	if !slices.Equal(c.AllowRecipients, []string{"b@example.org", "example.net"}) {
		t.Errorf("allow_recipients is %q", c.AllowRecipients)
	}
	for key, want := range map[string]string{"batch": "environment variable CONVENED_BATCH", "lease": "convened.yaml:3", "grace": "default",
		"smtp.rate": "convened.yaml:6", "smtp.username": "not set"} {
		if got := c.Origin(key); got != want {
			t.Errorf("origin of %s is %q, want %q", key, got, want)
		}
	}
}

func TestEveryKeyCanBeSetInTheEnvironment(t *testing.T) {
	values := map[string]string{
		"database.direct_url": "postgres:///other?host=/run/postgresql", "smtp.tls": "tls", "smtp.username": "me", "smtp.reply_to": "b@example.org",
		"smtp.bounce_domain": "b.example.org", "smtp.dkim.domain": "example.org", "smtp.dkim.selector": "s", "public.listen": "[::1]:1",
		"console.listen": "unix:/run/c.sock", "console.url": "https://example.org/c", "console.oidc.issuer": "https://login.example.org", "console.oidc.name": "Login", "console.oidc.client_id": "c", "console.oidc.create_users": "true", "console.oidc.client_secret_file": write(t, "p", "x", 0o600), "intake.listen": "[::1]:24", "allow_recipients": "example.org", "public.embed_on": "https://www.example.org", "templates_dir": t.TempDir(), "state_dir": "/tmp/state",
		"database.password_file": write(t, "p", "x", 0o600), "smtp.password_file": write(t, "p", "x", 0o600), "smtp.dkim.key_file": write(t, "p", signingKey(t, 2048), 0o600),
		"smtp.rate": "2.5", "smtp.port": "26", "smtp.connections": "3", "smtp.spare": "4", "smtp.dot_timeout": "11m", "poll_interval": "6s", "batch": "7", "lease": "8s",
		"retry.first": "9s", "grace": "10m", "update_quiet": "11s", "fuse.max": "12", "quarantine_after": "13 days", "preflight": "3h", "on_unknown.confirmation": "2", "on_unknown.update": "2", "on_unknown.cancellation": "2", "on_unknown.reminder": "2", "on_unknown.followup": "2", "retention": "14 days",
		"sources":      "[{name: s, table: t, map: {email: mail}}]",
		"database.url": "postgres:///convened?host=/run/pg", "smtp.host": "mx.example.org", "smtp.from": "a@example.org", "public.url": "https://example.org/e",
	}
	var env []string
	for _, k := range Keys() {
		if values[k.Name] == "" {
			t.Fatalf("no value for %s", k.Name)
		}
		env = append(env, k.Env()+"="+values[k.Name])
	}
	c := loaded(t, "", env...)
	for _, k := range Keys() {
		if got, want := c.Origin(k.Name), "environment variable "+k.Env(); got != want {
			t.Errorf("origin of %s is %q, want %q", k.Name, got, want)
		}
		if got, want := fmt.Sprint(field(c, k.Name)), fmt.Sprint(field(new(Default()), k.Name)); got == want {
			t.Errorf("%s is still %q", k.Name, got)
		}
	}
	if got, want := (Key{Name: "smtp.dkim.key_file"}).Env(), "CONVENED_SMTP_DKIM_KEY_FILE"; got != want {
		t.Errorf("variable is %s, want %s", got, want)
	}
}

func TestProblemsOfTheEnvironmentNameTheVariable(t *testing.T) {
	_, err := Load(write(t, "convened.yaml", "batch: 5\n", 0o600), []string{
		"CONVENED_DATABASE_URL=postgres://u:hunter2@db.example.org/x", "CONVENED_BATCH=many", "CONVENED_SMTP_PORT=0", "CONVENED_LEASE=60"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`environment variable CONVENED_DATABASE_URL: database.url: "postgres://u:***@db.example.org/x" is a URL without sslmode`,
		`environment variable CONVENED_BATCH: batch: "many" is not a whole number; write digits alone`,
		`environment variable CONVENED_SMTP_PORT: smtp.port: "0" is not in the range from 1 to 65535`,
		`environment variable CONVENED_LEASE: lease: "60" is not a duration`,
		`smtp.host is required`, `smtp.from is required`, `public.url is required`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

func TestAMistypedVariableIsAWarning(t *testing.T) {
	c := loaded(t, "", required("CONVENED_SMPT_PORT=25", "CONVENED_PORT=tcp://10.0.0.1:80", "PATH=/bin")...)
	want := []string{
		"environment variable CONVENED_PORT is not a known one and is ignored",
		"environment variable CONVENED_SMPT_PORT is not a known one and is ignored; did you mean CONVENED_SMTP_PORT?",
	}
	for i, w := range c.Warnings() {
		if i >= len(want) || !strings.HasPrefix(w, want[i]) {
			t.Errorf("warning %q", w)
		}
	}
	if len(c.Warnings()) != len(want) {
		t.Errorf("%d warnings, want %d", len(c.Warnings()), len(want))
	}
}

func TestAMissingFileSaysWhatToDo(t *testing.T) {
	_, err := Load("testdata/no-such-file.yaml", required())
	if want := "testdata/no-such-file.yaml: does not exist; write it (convened config example prints a sample) or name another with --config"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if _, err := Load("testdata", required()); err == nil || err.Error() != "testdata: can't be read: is a directory; let the user who runs this read it" {
		t.Errorf("error for a directory: %v", err)
	}
	// Nobody named the file, and it is not there.
	absent := filepath.Join(t.TempDir(), "convened.yaml")
	_, err = load(absent, true, required()[1:])
	if want := absent + ": does not exist; write it (convened config example prints a sample), name another with --config, or set CONVENED_DATABASE_URL in the environment"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if c, err := load(absent, true, required()); err != nil || c.SMTP.Host != "smtp.example.org" {
		t.Errorf("the environment alone: %v", err)
	}
}

func TestPathsInTheFileAreRelativeToTheFile(t *testing.T) {
	file := write(t, "convened.yaml", "state_dir: state\ntemplates_dir: .\n", 0o600)
	c, err := Load(file, required())
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(filepath.Dir(file), "state"); c.StateDir != want {
		t.Errorf("state_dir is %s, want %s", c.StateDir, want)
	}
	if c.TemplatesDir != filepath.Dir(file) {
		t.Errorf("templates_dir is %s, want the file's own", c.TemplatesDir)
	}
}

func TestStateDirComesFromSystemd(t *testing.T) {
	if c := loaded(t, "", required("STATE_DIRECTORY=/var/lib/private/convened:/var/lib/other")...); c.StateDir != "/var/lib/private/convened" ||
		c.Origin("state_dir") != "environment variable STATE_DIRECTORY" {
		t.Errorf("state_dir is %s from %s", c.StateDir, c.Origin("state_dir"))
	}
	if c := loaded(t, "state_dir: /srv/convened", required("STATE_DIRECTORY=/var/lib/convened")...); c.StateDir != "/srv/convened" {
		t.Errorf("state_dir is %s, want what the file says", c.StateDir)
	}
}

func TestSecretsComeFromFilesAndCredentials(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"database-password": "p@ss/w:rd\n", "smtp-password": "relay\r\n", "dkim-key": signingKey(t, 2048)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	env := required("CREDENTIALS_DIRECTORY="+dir, "CONVENED_SMTP_USERNAME=me", "CONVENED_SMTP_DKIM_DOMAIN=example.org", "CONVENED_SMTP_DKIM_SELECTOR=s1")
	c := loaded(t, "", env...)
	if c.Database.Password.Reveal() != "p@ss/w:rd" || c.SMTP.Password.Reveal() != "relay" || !strings.Contains(c.SMTP.DKIM.Key.Reveal(), "PRIVATE KEY") {
		t.Errorf("secrets are %q %q %q", c.Database.Password.Reveal(), c.SMTP.Password.Reveal(), c.SMTP.DKIM.Key.Reveal())
	}
	if want := "postgres://:p%40ss%2Fw%3Ard@/convened?host=%2Frun%2Fpostgresql&sslmode=disable"; c.Database.Source() != want || c.Database.DirectSource() != want {
		t.Errorf("source is %s, want %s", c.Database.Source(), want)
	}
	if got := c.Origin("smtp.password_file"); got != "credential smtp-password" {
		t.Errorf("origin is %q", got)
	}
	named := write(t, "password", "named", 0o600)
	if c := loaded(t, "", append(env, "CONVENED_DATABASE_PASSWORD_FILE="+named)...); c.Database.Password != "named" {
		t.Errorf("password is %q, want that of the file that is named", c.Database.Password.Reveal())
	}
}

func TestACredentialThatCannotBeReadIsAnError(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "smtp-password"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := write(t, "convened.yaml", "", 0o600)
	_, err := Load(file, required("CREDENTIALS_DIRECTORY="+dir))
	if got := problems(t, err); len(got) != 1 || !strings.HasSuffix(got[0], "(credential smtp-password) names a file that can't be read: is a directory") {
		t.Errorf("problems %q", got)
	}
	// systemd can announce a directory that the process then can't see.
	_, err = Load(file, required("CREDENTIALS_DIRECTORY="+filepath.Join(dir, "gone")))
	if got := problems(t, err); len(got) != 4 {
		t.Errorf("problems %q, want one for each credential that could have been", got)
	}
	if _, err := Load(file, required("CREDENTIALS_DIRECTORY="+t.TempDir())); err != nil {
		t.Errorf("no credential is no error: %v", err)
	}
}

func TestNoFormatPrintsASecret(t *testing.T) {
	c := loaded(t, "database:\n  url: postgres://u:hunter2@localhost/x?sslmode=disable\n", append(required()[1:],
		"CONVENED_SMTP_USERNAME=me", "CONVENED_SMTP_PASSWORD_FILE="+write(t, "p", "hunter2", 0o600))...)
	j, err := json.Marshal(c.SMTP)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(j), fmt.Sprintf("%v %+v %#v %s %q", c.SMTP, c.SMTP, c.SMTP, c.SMTP.Password, c.SMTP.Password), string(c.Show())} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("a secret is printed: %s", text)
		}
	}
	if !strings.Contains(string(c.Show()), `"postgres://u:***@localhost/x?sslmode=disable"`) {
		t.Errorf("the URL is not shown:\n%s", c.Show())
	}
}

func TestUnwiseSettingsAreWarnedAbout(t *testing.T) {
	weak := write(t, "key", signingKey(t, 1024), 0o644)
	file := write(t, "convened.yaml", `
database:
  url: postgres://u:hunter2@localhost/x?sslmode=disable
smtp:
  host: smtp.example.org
  from: events@example.org
  dot_timeout: 1m
  dkim: {domain: example.org, selector: s1, key_file: `+weak+`}
public:
  url: http://localhost:8080
allow_recipients: [example.org]
`, 0o644)
	c, err := Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"smtp.dkim.key_file: everyone on this machine can read " + weak + "; chmod 0600 it",
		"database.url holds a password, which shows in backups and process lists; put it into database.password_file (and everyone on this machine can read " + file + ")",
		"smtp.dot_timeout is 1m; less than 10m makes duplicates where the relay is slow (RFC 5321 4.5.3.2.6)",
		`smtp.from has no name for people to see; write "Name <address>"`,
		"smtp.dkim.key_file is an RSA key of less than 2048 bits, which some verifiers count for nothing (RFC 8301)",
		"public.url is http://localhost:8080: the links in the letters work on this machine alone",
		"allow_recipients is set: mail goes to what it names (1) alone, and everybody else's is held",
	}
	if got := c.Warnings(); !slices.Equal(got, want) {
		t.Errorf("warnings\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

func TestOnlyKeysThatVerifiersAcceptSign(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey(t, 2048))})
	for _, c := range []struct {
		name, key, want string
	}{
		{"RSA in PKCS #8", signingKey(t, 2048), ""},
		{"RSA in PKCS #1", string(pkcs1), ""},
		{"Ed25519", pkcs8(t, private), ""},
		{"an elliptic curve", pkcs8(t, curve), "an elliptic curve key"},
		{"a public key", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})), "no private key"},
		{"a damaged key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})), "can't be read"},
	} {
		_, err := Load(write(t, "convened.yaml", "smtp: {dkim: {domain: example.org, selector: s1}}", 0o600),
			required("CONVENED_SMTP_DKIM_KEY_FILE="+write(t, "key", c.key, 0o600)))
		switch got := problems(t, err); {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)):
			t.Errorf("%s: problems %q, want one that says %q", c.name, got, c.want)
		}
	}
}

func TestTheSignatureSpeaksForTheSender(t *testing.T) {
	key := write(t, "key", signingKey(t, 2048), 0o600)
	for domain, ok := range map[string]bool{"example.org": true, "EXAMPLE.org": true, "mail.example.org": true, "example.net": false, "ample.org": false} {
		_, err := Load(write(t, "convened.yaml", "smtp: {dkim: {selector: s1, domain: "+domain+"}}", 0o600), required("CONVENED_SMTP_DKIM_KEY_FILE="+key))
		if (err == nil) != ok {
			t.Errorf("signing as %s for example.org: %v", domain, err)
		}
	}
}

func TestAllowsKnowsAddressesAndDomains(t *testing.T) {
	c := &Config{}
	if !c.Allows("anyone@anywhere.example") {
		t.Error("an empty list allows everyone")
	}
	c.AllowRecipients = []string{"Me@example.org", "example.net", "@example.com"}
	for address, want := range map[string]bool{"me@EXAMPLE.org": true, "you@example.org": false, "you@example.net": true, "you@sub.example.net": false,
		"you@example.com": true, "example.net": false, "": false, "x@notexample.net": false} {
		if got := c.Allows(address); got != want {
			t.Errorf("Allows(%q) is %v, want %v", address, got, want)
		}
	}
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signingKey(t *testing.T, bits int) string { return pkcs8(t, rsaKey(t, bits)) }

func pkcs8(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestARelayMayBeASocketOfThisMachine(t *testing.T) {
	c := loaded(t, "", required("CONVENED_SMTP_HOST=/run/relay/smtp")...)
	if c.SMTP.Host != "/run/relay/smtp" || c.SMTP.TLS != NoTLS {
		t.Errorf("the relay is %q with TLS %q", c.SMTP.Host, c.SMTP.TLS)
	}
}
