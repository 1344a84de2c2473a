package lab

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certified makes an authority, and a certificate by it.
func certified(t *testing.T, issue func(ca *CA) (tls.Certificate, error)) (*CA, tls.Certificate) {
	t.Helper()
	ca, err := NewCA(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := issue(ca)
	if err != nil {
		t.Fatal(err)
	}
	return ca, cert
}

func good(ca *CA) (tls.Certificate, error) { return ca.Issue("localhost", "127.0.0.1") }

func TestStartTLSAndImplicitTLSWithALogin(t *testing.T) {
	t.Parallel()
	ca, cert := certified(t, good)
	for name, mode := range map[string]TLSMode{"STARTTLS": StartTLS, "implicit": ImplicitTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sink(t, SMTPOptions{TLS: mode, Certificate: cert, Users: map[string]string{"ana": "s3cret"}, RequireAuth: true})
			config := &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}
			var c *smtp.Client
			if mode == ImplicitTLS {
				conn, err := tls.Dial("tcp", s.Addr(), config)
				if err != nil {
					t.Fatal(err)
				}
				if c, err = smtp.NewClient(conn, "localhost"); err != nil {
					t.Fatal(err)
				}
			} else {
				var err error
				if c, err = smtp.Dial(s.Addr()); err != nil {
					t.Fatal(err)
				}
				if ok, _ := c.Extension("AUTH"); ok {
					t.Error("AUTH is offered in the clear")
				}
				if err := c.StartTLS(config); err != nil {
					t.Fatal(err)
				}
			}
			defer c.Close()
			if ok, _ := c.Extension("STARTTLS"); ok {
				t.Error("STARTTLS is offered within TLS")
			}
			if err := c.Mail("a@b"); err == nil || !strings.Contains(err.Error(), "5.7.0 Authentication required") {
				t.Errorf("MAIL before the login: got %v, want 530", err)
			}
			// net/smtp gives a password only to whom it thinks it has dialled.
			dialled := map[TLSMode]string{StartTLS: "127.0.0.1", ImplicitTLS: "localhost"}[mode]
			if err := c.Auth(smtp.PlainAuth("", "ana", "s3cret", dialled)); err != nil {
				t.Fatal(err)
			}
			if err := c.Mail("a@b"); err != nil {
				t.Fatal(err)
			}
			if err := c.Rcpt("ana@example.com"); err != nil {
				t.Fatal(err)
			}
			w, err := c.Data()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(letter)); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if err := c.Quit(); err != nil {
				t.Fatal(err)
			}
			m := s.Messages()[0]
			if m.TLS != tls.VersionTLS13 || m.User != "ana" || string(m.Raw) != letter+"\r\n" {
				t.Errorf("got %s, user %q, %q", tls.VersionName(m.TLS), m.User, m.Raw)
			}
		})
	}
}

// handshake does STARTTLS and returns how that went.
func handshake(t *testing.T, s *SMTP, config *tls.Config) error {
	t.Helper()
	c := greeted(t, s)
	c.say("STARTTLS")
	c.want("220")
	return tls.Client(c.Conn, config).Handshake()
}

func TestCertificatesAreAsWrongAsTheyWereMade(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		issue func(ca *CA) (tls.Certificate, error)
		fits  func(err error) bool
	}{
		"good": {good, func(err error) bool { return err == nil }},
		"expired": {func(ca *CA) (tls.Certificate, error) { return ca.Expired("localhost") }, func(err error) bool {
			var invalid x509.CertificateInvalidError
			return errors.As(err, &invalid) && invalid.Reason == x509.Expired
		}},
		"wrong name": {func(ca *CA) (tls.Certificate, error) { return ca.Issue("elsewhere.test") }, func(err error) bool {
			var wrong x509.HostnameError
			return errors.As(err, &wrong)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca, cert := certified(t, test.issue)
			s := sink(t, SMTPOptions{TLS: StartTLS, Certificate: cert})
			if err := handshake(t, s, &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}); !test.fits(err) {
				t.Errorf("got %v", err)
			}
			if name != "good" {
				return
			}
			var unknown x509.UnknownAuthorityError
			if err := handshake(t, s, &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"}); !errors.As(err, &unknown) {
				t.Errorf("without the authority: got %v, want %T", err, unknown)
			}
		})
	}
}

func TestCAIsAFileForOtherPrograms(t *testing.T) {
	t.Parallel()
	ca, cert := certified(t, good)
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		t.Fatal("the file holds no certificate")
	}
	s := sink(t, SMTPOptions{TLS: StartTLS, Certificate: cert})
	if err := handshake(t, s, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}); err != nil {
		t.Error(err)
	}
}

func TestAnOldTLSIsAllThatIsSpoken(t *testing.T) {
	t.Parallel()
	ca, cert := certified(t, good)
	s := sink(t, SMTPOptions{TLS: StartTLS, Certificate: cert, MaxTLSVersion: tls.VersionTLS10})
	config := &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}
	if err := handshake(t, s, config); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("a client of today: got %v, want an error about the protocol version", err)
	}
	config.MinVersion = tls.VersionTLS10
	if err := handshake(t, s, config); err != nil {
		t.Errorf("a client of yesterday: %v", err)
	}
}

func TestTLSWantsACertificate(t *testing.T) {
	t.Parallel()
	if s, err := StartSMTP(SMTPOptions{TLS: StartTLS}); err == nil {
		s.Close()
		t.Error("got a server without a certificate")
	}
}

func TestNothingSaidBeforeTLSCountsAfter(t *testing.T) {
	t.Parallel()
	ca, cert := certified(t, good)
	s := sink(t, SMTPOptions{TLS: StartTLS, Certificate: cert})
	c := greeted(t, s)
	c.say("STARTTLS", "MAIL FROM:<injected@example.org>")
	c.want("503 5.5.0")
	c.wantEnd()

	c = greeted(t, s)
	c.say("MAIL FROM:<>")
	c.want("250")
	c.say("STARTTLS")
	c.want("220")
	conn := tls.Client(c.Conn, &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"})
	c.Conn = conn
	c.in.Reset(conn)
	c.say("RCPT TO:<ana@example.com>")
	c.want("503 ")
	c.say("MAIL FROM:<>")
	c.want("503 Say EHLO first")
}

func TestStartTLSCanBeStripped(t *testing.T) {
	t.Parallel()
	_, cert := certified(t, good)
	s := sink(t, SMTPOptions{TLS: StartTLS, Certificate: cert, Script: NoStartTLS()})
	c := dial(t, s)
	c.want("220")
	c.say("EHLO me")
	c.want("250-sink.test", "250-PIPELINING", "250-8BITMIME", "250-SMTPUTF8", "250-ENHANCEDSTATUSCODES", "250 SIZE")
	c.say("STARTTLS")
	c.want("502")
}

func TestLoginsOfBothKinds(t *testing.T) {
	t.Parallel()
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	type exchange struct{ say, want string }
	for _, test := range []struct {
		name      string
		script    Script
		exchanges []exchange
		user      string
	}{
		{"plain at once", nil, []exchange{{"AUTH PLAIN " + b64("\x00ana\x00pw"), "235 2.7.0"}}, "ana"},
		{"plain in two", nil, []exchange{{"AUTH PLAIN", "334 "}, {b64("ana\x00ana\x00pw"), "235"}}, "ana"},
		{"login", nil, []exchange{{"AUTH LOGIN", "334 " + b64("Username:")}, {b64("ana"), "334 " + b64("Password:")}, {b64("pw"), "235"}}, "ana"},
		{"login with the name", nil, []exchange{{"auth login " + b64("ana"), "334 "}, {b64("pw"), "235"}}, "ana"},
		{"wrong password", nil, []exchange{{"AUTH PLAIN " + b64("\x00ana\x00no"), "535 5.7.8"}, {"AUTH PLAIN " + b64("\x00ana\x00pw"), "235"}}, "ana"},
		{"nobody", nil, []exchange{{"AUTH PLAIN " + b64("\x00bo\x00"), "535 5.7.8"}}, ""},
		{"as somebody else", nil, []exchange{{"AUTH PLAIN " + b64("bo\x00ana\x00pw"), "501"}}, ""},
		{"given up", nil, []exchange{{"AUTH LOGIN", "334"}, {"*", "501"}, {"AUTH PLAIN", "334"}, {"*", "501"}}, ""},
		{"no base64", nil, []exchange{{"AUTH LOGIN", "334"}, {b64("ana"), "334"}, {"!", "501"}}, ""},
		{"another kind", nil, []exchange{{"AUTH CRAM-MD5", "504"}}, ""},
		{"twice", nil, []exchange{{"AUTH PLAIN " + b64("\x00ana\x00pw"), "235"}, {"AUTH PLAIN " + b64("\x00ana\x00pw"), "503"}}, "ana"},
		{"535 whatever", Auth535(), []exchange{{"AUTH PLAIN " + b64("\x00ana\x00pw"), "535 5.7.8"}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := sink(t, SMTPOptions{Users: map[string]string{"ana": "pw"}, AuthInClear: true, Script: test.script})
			c := greeted(t, s)
			for _, x := range test.exchanges {
				c.say(x.say)
				c.want(x.want)
			}
			c.deliver("ana@example.com", letter, "250", "250", "354", "250")
			if got := s.Messages()[0].User; got != test.user {
				t.Errorf("got user %q, want %q", got, test.user)
			}
		})
	}
}
