package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convened/config"
)

// A zone is what a name server has.
type zone map[string][]string

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	if name == "broken" {
		return nil, errors.New("server misbehaving")
	}
	if texts, ok := z[name]; ok {
		return texts, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// patient returns a doctor for a configuration with a DKIM key, and that key's record.
func patient(t *testing.T, more string) (*doctor, *post, dnsRecord) {
	t.Helper()
	dir := t.TempDir()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "dkim.pem")
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "convened.yaml")
	text := `database: {url: "postgres:///x?host=/run/postgresql"}
smtp:
  host: relay.city.eu
  from: Metropolis <events@city.eu>
  dkim: {domain: city.eu, selector: c2026, key_file: ` + key + `}
public: {url: "https://events.city.eu"}
state_dir: ` + dir + "\n" + more
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPost(cfg, throwAwayKey(), nil, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return &doctor{e: &env{ctx: t.Context(), cli: &cli{Config: file}, clock: time.Now}, cfg: cfg}, p, p.records(cfg)[1]
}

// says reports whether there is such a line that has all of these words.
func (d *doctor) says(result string, words ...string) bool {
lines:
	for _, l := range d.lines {
		if l.Result != result {
			continue
		}
		for _, w := range words {
			if !strings.Contains(l.What+" "+l.Detail+" "+l.Mend, w) {
				continue lines
			}
		}
		return true
	}
	return false
}

func TestCheckComparesTheDNSWithWhatShouldBeThere(t *testing.T) {
	t.Parallel()
	d, p, key := patient(t, "")
	// A zone file splits and spaces what it likes.
	spaced := strings.Replace(key.value, "p=", "p= ", 1) + " ; t=s"
	d.names = zone{"city.eu": {"something else", "v=spf1 mx -all"}, key.name: {spaced}, "_dmarc.city.eu": {"v=DMARC1; p=none"}}
	d.published(p)
	if d.verdict != nil || !d.says("ok", key.name) || !d.says("ok", "v=spf1 mx") || !d.says("ok", "_dmarc") {
		t.Errorf("a sound zone: %v\n%+v", d.verdict, d.lines)
	}

	d, p, key = patient(t, "")
	d.names = zone{key.name: {"v=DKIM1; k=ed25519; p=AAAA"}}
	d.published(p)
	if d.verdict == nil || !d.says("error", key.name, "another key", key.value) || !d.says("warning", "city.eu", "v=spf1", "publish") || !d.says("warning", "_dmarc.city.eu") {
		t.Errorf("another's key, and nothing else: %v\n%+v", d.verdict, d.lines)
	}
}

func TestCheckLooksAtWhoMayReadSecrets(t *testing.T) {
	t.Parallel()
	d, _, _ := patient(t, "")
	d.permissions()
	if !d.says("ok", "permissions") {
		t.Errorf("a key of mode 0600: %+v", d.lines)
	}
	if err := os.Chmod(d.cfg.SMTP.DKIM.KeyFile, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(d.e.cli.Config, 0o666); err != nil {
		t.Fatal(err)
	}
	d.lines = nil
	d.permissions()
	if !d.says("warning", "smtp.dkim.key_file", "chmod 0600") || !d.says("warning", "convened.yaml", "chmod 0644") || d.says("ok", "permissions") {
		t.Errorf("a key and a configuration for everybody: %+v", d.lines)
	}
}

func TestCheckLooksAtTheStateDirectoryAndTheZones(t *testing.T) {
	t.Parallel()
	d, _, _ := patient(t, "")
	d.disk()
	d.zones()
	if !d.says("ok", "state directory", "MB are free") {
		t.Errorf("a directory that is there: %+v", d.lines)
	}
	d.cfg.StateDir = filepath.Join(d.cfg.StateDir, "nothing")
	d.disk()
	if !d.says("warning", "does not exist") {
		t.Errorf("a directory that is not: %+v", d.lines)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tzdata.zi"), []byte("# version 2026b\n# This zic input file is in the public domain.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := zoneVersion(dir); got != "tzdata 2026b" {
		t.Errorf("the version is %q, want tzdata 2026b", got)
	}
}
