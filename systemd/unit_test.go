package systemd_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convened/config"
)

// settings returns the values of one setting in the unit, in their order.
func settings(t *testing.T, name string) []string {
	t.Helper()
	unit, err := os.ReadFile("convened.service")
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for line := range strings.Lines(string(unit)) {
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

// Outside its state directory the whole file system is read-only to the service.
func TestUnitsStateDirectoryIsTheConfigurationsDefault(t *testing.T) {
	got := settings(t, "StateDirectory")
	if want := filepath.Base(config.Default().StateDir); len(got) != 1 || got[0] != want {
		t.Errorf("StateDirectory=%q, want %q, by the default of state_dir", got, want)
	}
}
