package mailer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"convened"
)

// A Welcome is how a relay took us in.
type Welcome struct {
	TLS     string    // the version, such as "TLS 1.3"; "" where the connection is in the clear
	Expires time.Time // when the relay's certificate does; zero without TLS
	Login   bool      // whether we logged in
}

// Check connects, greets, secures, logs in and says good-bye, without a letter.
// Its error names the key of the configuration, says what is wrong and how to
// mend it.
func (r *Relay) Check(ctx context.Context) (Welcome, error) {
	c, f := r.dial(ctx)
	if f == nil {
		w := Welcome{Login: r.opts.Username != ""}
		if secured, ok := c.net.(*tls.Conn); ok {
			state := secured.ConnectionState()
			w.TLS, w.Expires = tls.VersionName(state.Version), state.PeerCertificates[0].NotAfter
		}
		c.quit()
		return w, nil
	}
	if f.cause == convened.CauseStopped {
		return Welcome{}, fmt.Errorf("check the relay: %w", context.Cause(ctx))
	}
	return Welcome{}, fmt.Errorf("%s; %s", r.complaint(f), r.mend(f))
}

func (r *Relay) complaint(f *fault) string {
	said := f.text()
	if f.reply.code != 0 {
		said = fmt.Sprintf("the server said %d %s", f.reply.code, said)
	}
	at := r.opts.address()
	switch f.phase {
	case phaseConnect:
		return fmt.Sprintf("smtp.host: no connection to %s: %s", at, said)
	case phaseGreeting:
		return fmt.Sprintf("smtp.host: %s does not greet: %s", at, said)
	case phaseEhlo:
		return fmt.Sprintf("smtp.host: %s refuses EHLO %s: %s", at, r.opts.LocalName, said)
	case phaseTLS:
		return fmt.Sprintf("smtp.tls: no TLS with %s: %s", at, said)
	default:
		return fmt.Sprintf("smtp.username: no login at %s: %s", at, said)
	}
}

func (r *Relay) mend(f *fault) string {
	var (
		noHost    *net.DNSError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		authority x509.UnknownAuthorityError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(f.err, &noHost):
		return "write the relay's name as the DNS has it"
	case f.phase == phaseConnect:
		return "see that the relay runs, that smtp.host and smtp.port are right, and that no firewall is in between"
	case f.phase == phaseGreeting && f.reply.code != 0:
		return "let the relay accept mail from this machine"
	case f.phase == phaseGreeting:
		return `if the port speaks TLS from the first byte, as 465 does, write "tls: tls"`
	case f.phase == phaseEhlo:
		return "let the relay accept this machine's name"
	case errors.Is(f.err, errNoSTARTTLS):
		return "turn on TLS at the relay, or use a port that speaks it from the first byte; mail waits and is never sent in the clear"
	case errors.As(f.err, &hostname):
		return "write in smtp.host a name that the certificate is for"
	case errors.As(f.err, &invalid) && invalid.Reason == x509.Expired:
		return "renew the relay's certificate, or set this machine's clock"
	case errors.As(f.err, &authority):
		return "give the relay a certificate of an authority that this machine trusts"
	case errors.As(f.err, &record):
		return `if the port is upgraded by STARTTLS, as 587 is, write "tls: starttls"`
	case f.phase == phaseTLS:
		return "the relay must speak TLS 1.2 or later"
	case f.reply.code/100 == 5:
		return "correct smtp.username or what smtp.password_file holds"
	}
	return "see the relay's own log"
}
