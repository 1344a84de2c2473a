package mailer

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"convened/address"
)

// A Signer puts a DKIM signature (RFC 6376) on finished bytes: relaxed/relaxed,
// over the whole body, with a key that is RSA (RFC 8301) or Ed25519 (RFC 8463).
//
// It is written out here, on Go's own cryptography, because the libraries at
// hand can't do three things that letters must: take the time of signing as an
// argument (a letter composed again at the same time is the same letter),
// keep the lines of their own header field within 78 characters, and, of
// go-mail's, verify with a list of fields this long. The tests have
// emersion/go-msgauth verify what it makes.
type Signer struct {
	domain   string // d=, an A-label
	selector string // s=
	key      crypto.Signer
	algo     string // "rsa" or "ed25519"
	public   []byte // as the DNS record has it
}

// signedFields are the fields under the signature, whether a letter has them or
// not: one that is added later breaks it.
var signedFields = []string{"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
	"Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post"}

var selectorLike = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

// NewSigner returns the signer for a domain and a selector, with the private key
// in PEM: PKCS #8, or PKCS #1 for RSA, as openssl writes them. Its error names the key
// of the configuration, and holds nothing of the private key.
func NewSigner(domain, selector string, pemKey []byte) (*Signer, error) {
	a, err := address.Parse("postmaster@" + domain)
	if err != nil {
		return nil, fmt.Errorf("smtp.dkim.domain: %q is not a domain name", domain)
	}
	if len(selector) > 63 || !selectorLike.MatchString(selector) {
		return nil, fmt.Errorf("smtp.dkim.selector: %q is not a selector such as convened1", selector)
	}
	s := &Signer{domain: a.Domain, selector: selector}
	key, err := parseKey(pemKey)
	if err != nil {
		return nil, fmt.Errorf("smtp.dkim.key_file: %w", err)
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() < 1024 {
			return nil, fmt.Errorf("smtp.dkim.key_file: receivers ignore an RSA key of %d bits; make one of 2048", key.N.BitLen())
		}
		s.key, s.algo = key, "rsa"
		if s.public, err = x509.MarshalPKIXPublicKey(key.Public()); err != nil {
			return nil, fmt.Errorf("smtp.dkim.key_file: %w", err)
		}
	case ed25519.PrivateKey:
		s.key, s.algo, s.public = key, "ed25519", key.Public().(ed25519.PublicKey)
	default:
		return nil, errors.New("smtp.dkim.key_file: the key is neither RSA nor Ed25519, and DKIM has no other")
	}
	return s, nil
}

func parseKey(b []byte) (any, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("there is no private key in PEM")
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("the private key is encrypted, and there is nobody to ask for the passphrase; store it without one")
	default:
		return nil, fmt.Errorf("it holds a %q, not a private key for RSA or Ed25519", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("read the private key: %w", err)
	}
	return key, nil
}

// Record returns the TXT record to publish, so that receivers can verify: its
// name, and its value in one piece, which a zone file has to split into strings of at
// most 255 octets.
func (s *Signer) Record() (name, value string) {
	return s.selector + "._domainkey." + s.domain,
		"v=DKIM1; k=" + s.algo + "; p=" + base64.StdEncoding.EncodeToString(s.public)
}

// PublicKeyOf returns the key of a DKIM record (RFC 6376 3.6.1, p=) without the
// white space that zone files put into it; "" where it has none.
func PublicKeyOf(record string) string {
	for tag := range strings.SplitSeq(record, ";") {
		if name, value, ok := strings.Cut(tag, "="); ok && strings.TrimSpace(name) == "p" {
			return strings.Join(strings.Fields(value), "")
		}
	}
	return ""
}

// sign returns the message with its signature before it. Every line of message
// must end in CRLF, and an empty one must follow the header.
func (s *Signer) sign(message []byte, now time.Time) ([]byte, error) {
	header, body, found := bytes.Cut(message, []byte("\r\n\r\n"))
	if !found {
		return nil, errors.New("sign letter: it has no body")
	}
	bodyHash := sha256.Sum256(relaxedBody(body))
	field := fmt.Sprintf("DKIM-Signature: v=1; a=%s-sha256; c=relaxed/relaxed;\r\n"+
		" d=%s;\r\n s=%s; t=%d;\r\n h=%s;\r\n bh=%s;\r\n b=",
		s.algo, s.domain, s.selector, now.Unix(), foldList(signedFields), base64.StdEncoding.EncodeToString(bodyHash[:]))

	h := sha256.New()
	present := unfold(header)
	for _, name := range signedFields {
		if f, ok := present[strings.ToLower(name)]; ok {
			h.Write([]byte(relaxedField(f) + "\r\n"))
		}
	}
	h.Write([]byte(relaxedField(field)))
	hashed, opts := h.Sum(nil), crypto.SignerOpts(crypto.SHA256)
	if s.algo == "ed25519" {
		opts = crypto.Hash(0) // RFC 8463 3: the hash itself is the message
	}
	// Both signatures are deterministic; neither uses the source of chance.
	signature, err := s.key.Sign(rand.Reader, hashed, opts)
	if err != nil {
		return nil, fmt.Errorf("sign letter: %w", err)
	}
	signed := make([]byte, 0, len(message)+1024)
	signed = append(signed, field...)
	signed = append(signed, foldBase64(signature)...)
	signed = append(signed, "\r\n"...)
	return append(signed, message...), nil
}

// foldList joins the names of h= with colons, and breaks the line before it is
// full. White space is allowed around the colons (RFC 6376 3.5).
func foldList(names []string) string {
	var b strings.Builder
	line := len(" h=")
	for i, name := range names {
		if line+len(name) > 75 {
			b.WriteString("\r\n  ")
			line = 2
		}
		b.WriteString(name)
		line += len(name) + 1
		if i < len(names)-1 {
			b.WriteByte(':')
		}
	}
	return b.String()
}

func foldBase64(b []byte) string {
	s := base64.StdEncoding.EncodeToString(b)
	var out strings.Builder
	for len(s) > 72 {
		out.WriteString(s[:72] + "\r\n ")
		s = s[72:]
	}
	out.WriteString(s)
	return out.String()
}

// unfold returns the fields by their lower-case names, unfolded. A letter has
// each once; of more, verifiers would take the last.
func unfold(header []byte) map[string]string {
	text := strings.NewReplacer("\r\n ", " ", "\r\n\t", "\t").Replace(string(header))
	fields := map[string]string{}
	for line := range strings.SplitSeq(text, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		fields[strings.ToLower(strings.TrimSpace(name))] = line
	}
	return fields
}

// relaxedField is RFC 6376 3.4.2, without the CRLF.
func relaxedField(f string) string {
	name, value, _ := strings.Cut(f, ":")
	words := strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' })
	return strings.ToLower(strings.TrimSpace(name)) + ":" + strings.Join(words, " ")
}

// relaxedBody is RFC 6376 3.4.4.
func relaxedBody(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for len(body) > 0 {
		var line []byte
		line, body, _ = bytes.Cut(body, []byte("\r\n"))
		space := false
		for _, b := range line {
			if b == ' ' || b == '\t' {
				space = true
				continue
			}
			if space {
				out = append(out, ' ')
				space = false
			}
			out = append(out, b)
		}
		out = append(out, "\r\n"...)
	}
	trimmed := bytes.TrimRight(out, "\r\n")
	if len(trimmed) == 0 {
		return nil
	}
	return append(trimmed, "\r\n"...)
}
