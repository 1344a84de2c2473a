package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
)

// What check prints is what a receiver needs to verify what the daemon sends.
func TestALetterVerifiesWithTheRecordThatCheckPrints(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "dkim.pem")
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, "")
	s.configure(strings.Replace(s.read(), "  tls: none\n", fmt.Sprintf("  tls: none\n  dkim: {domain: example.org, selector: c2026, key_file: %q}\n", key), 1))
	out := s.must("check")
	if want := base64.StdEncoding.EncodeToString(public); !strings.Contains(out, want) || !strings.Contains(out, "c2026._domainkey.example.org") {
		t.Errorf("check does not print the key %s:\n%s", want, out)
	}
	s.apply("webinar", 240*time.Hour, "")
	s.daemon()
	s.must("registration", "add", "webinar", "ana@example.org", "--name", "Ana Díaz")
	s.wait(1, 30*time.Second)
	results, err := dkim.VerifyWithOptions(bytes.NewReader(s.smtp.Messages()[0].Raw), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if name != "c2026._domainkey.example.org" {
			return nil, fmt.Errorf("asked for %s", name)
		}
		return []string{"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)}, nil
	}})
	if err != nil || len(results) != 1 || results[0].Err != nil || results[0].Domain != "example.org" {
		t.Errorf("verified as %+v, %v", results, err)
	}
}
