package mailer

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"convened"
)

// verify has another implementation check the signature, with the DNS record
// that the signer says to publish.
func verify(t testing.TB, s *Signer, data []byte) error {
	t.Helper()
	name, value := s.Record()
	vs, err := dkim.VerifyWithOptions(bytes.NewReader(data), &dkim.VerifyOptions{LookupTXT: func(domain string) ([]string, error) {
		if domain != name {
			return nil, fmt.Errorf("asked for %s", domain)
		}
		return []string{value}, nil
	}})
	if err != nil {
		return err
	}
	if len(vs) != 1 {
		return fmt.Errorf("%d signatures", len(vs))
	}
	return vs[0].Err
}

func verifySignature(t testing.TB, s *Signer, data []byte) {
	t.Helper()
	if err := verify(t, s, data); err != nil {
		t.Errorf("verify signature: %v", err)
	}
}

var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func TestSignatureVerifiesWithBothKindsOfKey(t *testing.T) {
	key, err := rsaKey()
	if err != nil {
		t.Fatal(err)
	}
	for algo, k := range map[string]any{"rsa": key, "ed25519": ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))} {
		s := signerFor(t, k)
		c := newComposer(t, func(o *ComposerOptions) { o.Signer = s })
		for _, kind := range convened.Kinds() {
			for _, language := range convened.Languages() {
				l := compose(t, c, testNow, claimOf(t, kind, language))
				verifySignature(t, s, l.Data)
				checkLetter(t, claimOf(t, kind, language), l)
			}
		}
		l := compose(t, c, testNow, claimOf(t, convened.Confirmation, "fr"))
		tags := headerOf(l, "DKIM-Signature")
		for _, want := range []string{"v=1;", "a=" + algo + "-sha256;", "c=relaxed/relaxed;", "d=example.org;", "s=convened1;", fmt.Sprintf("t=%d;", testNow.Unix()),
			"h=From:To:Subject:Date:Message-ID:MIME-Version:Content-Type:"} {
			if !strings.Contains(tags, want) {
				t.Errorf("the signature has no %s: %s", want, tags)
			}
		}
		if strings.Contains(tags, " l=") {
			t.Errorf("the signature has a length: %s", tags)
		}
		if name, value := s.Record(); name != "convened1._domainkey.example.org" || !strings.HasPrefix(value, "v=DKIM1; k="+algo+"; p=") {
			t.Errorf("the record is %s %s", name, value)
		}
	}
}

func TestSignatureCoversWhatReadersSee(t *testing.T) {
	c := newComposer(t, nil)
	l := compose(t, c, testNow, claimOf(t, convened.ReminderKind, "fr"))
	for _, name := range signedFields {
		field := "\r\n" + name + ":"
		if !bytes.Contains(l.Data, []byte(field)) {
			t.Errorf("the letter has no %s", name)
		}
		if err := verify(t, c.signer, bytes.Replace(l.Data, []byte(field), []byte(field+" x"), 1)); err == nil {
			t.Errorf("%s can be changed", name)
		}
		added := bytes.Replace(l.Data, []byte("\r\n\r\n"), []byte(field+" x\r\n\r\n"), 1)
		if err := verify(t, c.signer, added); err == nil {
			t.Errorf("another %s can be added", name)
		}
	}
	if err := verify(t, c.signer, append(bytes.Clone(l.Data), "more\r\n"...)); err == nil {
		t.Error("the body can be continued")
	}
	// What relays do on the way changes nothing: relaxed/relaxed.
	refolded := bytes.Replace(l.Data, []byte("Subject: "), []byte("SUBJECT:\r\n\t "), 1)
	refolded = append(bytes.Replace(refolded, []byte("text/plain; charset=UTF-8\r\n"), []byte("text/plain;\tcharset=UTF-8 \r\n"), 1), "\r\n\r\n"...)
	if err := verify(t, c.signer, refolded); err != nil {
		t.Errorf("refolded: %v", err)
	}
}

func TestSignCanonicalisesAsRFC6376Says(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"}, // 3.4.5
		{"", ""},
		{"\r\n\r\n", ""},
		{" \t\r\n", ""},
		{"a", "a\r\n"},
		{"a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n"},
	} {
		if got := string(relaxedBody([]byte(tt.in))); got != tt.want {
			t.Errorf("relaxedBody(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	for in, want := range map[string]string{"A: X": "a:X", "B : Y\t\r\n\tZ  ": "b:Y Z", "C:\u00a0x\u00a0": "c:\u00a0x\u00a0"} {
		if got := relaxedField(in); got != want {
			t.Errorf("relaxedField(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNewSignerSaysWhatIsWrongWithTheKey(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecDER, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsaKey()
	if err != nil {
		t.Fatal(err)
	}
	block := func(typ string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}) }
	pkcs1 := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	if _, err := NewSigner("example.org", "s", pkcs1); err != nil {
		t.Errorf("PKCS #1: %v", err)
	}
	for _, tt := range []struct {
		domain, selector string
		pem              []byte
		want             string
	}{
		{"exa mple", "s", pkcs1, "smtp.dkim.domain"},
		{"example.org", "", pkcs1, "smtp.dkim.selector"},
		{"example.org", "a;b", pkcs1, "smtp.dkim.selector"},
		{"example.org", "s", nil, "no private key in PEM"},
		{"example.org", "s", []byte("secret"), "no private key in PEM"},
		{"example.org", "s", block("PRIVATE KEY", []byte("secret")), "read the private key"},
		{"example.org", "s", block("PRIVATE KEY", ecDER), "neither RSA nor Ed25519"},
		{"example.org", "s", block("ENCRYPTED PRIVATE KEY", []byte("x")), "encrypted"},
		{"example.org", "s", block("CERTIFICATE", []byte("x")), `"CERTIFICATE"`},
	} {
		if _, err := NewSigner(tt.domain, tt.selector, tt.pem); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("NewSigner(%s, %s): %v, want it to say %s", tt.domain, tt.selector, err, tt.want)
		}
	}
}
