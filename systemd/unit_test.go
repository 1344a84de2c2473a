package systemd_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"convened/config"
)

var update = flag.Bool("update", false, "make the template unit and its drop-in from the unit")

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// settings returns the values of one setting in the unit, in their order.
func settings(t *testing.T, name string) []string {
	t.Helper()
	var values []string
	for line := range strings.Lines(read(t, "convened.service")) {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

// The unit hands each secret over by a name, and the configuration asks for it
// by a name: nothing but a test notices when the two drift apart, since a
// credential that is not there is none.
func TestUnitHandsOverEachSecretThatTheConfigurationAsksFor(t *testing.T) {
	key, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	dkim := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))

	dir := t.TempDir()
	for _, credential := range settings(t, "LoadCredential") {
		id, _, _ := strings.Cut(credential, ":")
		secret := "the secret of " + id
		if strings.Contains(id, "key") {
			secret = dkim
		}
		if err := os.WriteFile(filepath.Join(dir, id), []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	file := filepath.Join(t.TempDir(), "convened.yaml")
	if err := os.WriteFile(file, []byte(`
database: {url: "postgres://convened@db.example.org/convened?sslmode=verify-full"}
smtp:
  host: relay.example.org
  username: convened
  from: Metropolis <events@example.org>
  dkim: {domain: example.org, selector: convened}
public: {url: "https://events.example.org"}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := config.Load(file, []string{"CREDENTIALS_DIRECTORY=" + dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []struct {
		what      string
		got, want string
	}{
		{"the database's password", got.Database.Password.Reveal(), "the secret of database-password"},
		{"the relay's password", got.SMTP.Password.Reveal(), "the secret of smtp-password"},
		{"the DKIM key", strings.TrimSpace(got.SMTP.DKIM.Key.Reveal()), strings.TrimSpace(dkim)},
	} {
		if secret.got != secret.want {
			t.Errorf("%s is %q, want %q", secret.what, secret.got, secret.want)
		}
	}
}

// A secret that the configuration knows by a credential is in the unit.
func TestUnitHandsOverEveryCredentialOfTheConfiguration(t *testing.T) {
	var got []string
	for _, c := range settings(t, "LoadCredential") {
		id, file, _ := strings.Cut(c, ":")
		if file != "convened."+id {
			t.Errorf("LoadCredential=%s: the file is named convened.%s everywhere", c, id)
		}
		got = append(got, id)
	}
	for _, k := range config.Keys() {
		if m := regexp.MustCompile(`the credential ([a-z-]+)`).FindStringSubmatch(k.Doc); m != nil && !slices.Contains(got, m[1]) {
			t.Errorf("%s may come as the credential %s, and no LoadCredential= of the unit hands it over", k.Name, m[1])
		}
	}
}

// Who reads the unit learns why each line is there.
func TestEverySettingHasASentenceAboveIt(t *testing.T) {
	for _, file := range []string{"convened.service", "convened@.service", "convened.service.d/sealed.conf", "convened.service.d/systemd-252.conf", "convened@.service.d/systemd-252.conf"} {
		before := ""
		for n, line := range strings.Split(read(t, file), "\n") {
			name, _, setting := strings.Cut(line, "=")
			earlier, _, _ := strings.Cut(before, "=")
			// Secrets stand together, under one sentence.
			if setting && !strings.HasPrefix(line, "#") && !strings.HasPrefix(before, "# ") && (name != "LoadCredential" || earlier != name) {
				t.Errorf("%s:%d: %s has no sentence above it", file, n+1, line)
			}
			before = line
		}
	}
}

// One text serves for the one service and for several: what is in one and not
// in the other would be forgotten.
func TestTemplateUnitIsTheUnitForAnInstance(t *testing.T) {
	instance := strings.NewReplacer(
		"# convened: confirmations, invitations and reminders for the people who register\n# for events.\n",
		"# convened, several times on one machine: convened@NAME is configured in\n# /etc/convened/NAME.yaml. Made from convened.service; a test keeps it so.\n",
		"`systemctl edit convened`", "`systemctl edit convened@`",
		"Description=convened, ", "Description=convened for %i, ",
		"convened run", "convened run --config /etc/convened/%i.yaml",
		"config check", "config check --config /etc/convened/%i.yaml",
		"/etc/convened/convened.yaml", "/etc/convened/%i.yaml",
		"User=convened\n", "User=convened-%i\n",
		"Directory=convened\n", "Directory=convened-%i\n",
		"/var/lib/convened", "/var/lib/convened-%i", "/var/lib/private/convened", "/var/lib/private/convened-%i", "/run/convened", "/run/convened-%i",
		"password:convened.", "password:convened-%i.", "key:convened.", "key:convened-%i.", "secret:convened.", "secret:convened-%i.",
		"credstore/convened.", "credstore/convened-%i.",
		"/etc/systemd/system/convened.service.d/", "/etc/systemd/system/convened@.service.d/",
	)
	for from, to := range map[string]string{
		"convened.service":                    "convened@.service",
		"convened.service.d/systemd-252.conf": "convened@.service.d/systemd-252.conf",
	} {
		want := instance.Replace(read(t, from))
		if *update {
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if read(t, to) != want {
			t.Errorf("%s is not made from %s any more: go test ./systemd -update", to, from)
		}
	}
}

// Outside its state directory the whole file system is read-only to the service.
func TestUnitsStateDirectoryIsTheConfigurationsDefault(t *testing.T) {
	got := settings(t, "StateDirectory")
	if want := filepath.Base(config.Default().StateDir); len(got) != 1 || got[0] != want {
		t.Errorf("StateDirectory=%q, want %q, by the default of state_dir", got, want)
	}
}

// A reload has two relays for a moment, and a process may still listen to what
// the one before it left.
func TestUnitKeepsAllTheConnectionsThatThereMayBe(t *testing.T) {
	const most = 100 // smtp.connections
	got := settings(t, "FileDescriptorStoreMax")
	if len(got) != 1 {
		t.Fatalf("FileDescriptorStoreMax=%q, want one", got)
	}
	if n, err := strconv.Atoi(got[0]); err != nil || n < 3*most {
		t.Errorf("FileDescriptorStoreMax=%s, want at least %d", got[0], 3*most)
	}
	if _, err := config.Load(os.DevNull, []string{"CONVENED_SMTP_CONNECTIONS=" + strconv.Itoa(most+1)}); err == nil || !strings.Contains(err.Error(), "smtp.connections") {
		t.Errorf("smtp.connections may be more than %d: %v", most, err)
	}
}
