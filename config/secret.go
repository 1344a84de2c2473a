package config

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxSecret is far beyond any password or key.
const maxSecret = 64 << 10

// readSecrets loads what the configuration names by file, or what systemd left
// as a credential (systemd.exec(5), LoadCredential=). A file that is named goes
// before a credential. One that is named and can't be read is an error: going
// on without a password would only move the failure to where nobody looks.
func (l *loader) readSecrets() {
	for _, s := range []struct {
		key        string
		credential string
		into       *Secret
		line       bool // a password: one line
	}{
		{"database.password_file", "database-password", &l.cfg.Database.Password, true},
		{"smtp.password_file", "smtp-password", &l.cfg.SMTP.Password, true},
		{"smtp.dkim.key_file", "dkim-key", &l.cfg.SMTP.DKIM.Key, false},
		{"console.oidc.client_secret_file", "oidc-client-secret", &l.cfg.Console.OIDC.ClientSecret, true},
	} {
		file := field(&l.cfg, s.key)
		if file.String() == "" {
			dir := l.env["CREDENTIALS_DIRECTORY"]
			if dir == "" {
				continue
			}
			credential := filepath.Join(dir, s.credential)
			if _, err := os.Lstat(credential); errors.Is(err, fs.ErrNotExist) {
				if _, err := os.Stat(dir); err == nil {
					continue
				}
			}
			// Unreadable ones, and a directory that systemd announced and
			// that is not there, are found by reading.
			file.SetString(credential)
			l.cfg.origins[s.key] = origin{what: "credential", name: s.credential}
		}
		text, rule := readSecret(file.String(), s.line)
		if rule != "" {
			mend := "put the secret there, readable for the user who runs this, or take " + s.key + " out"
			if l.cfg.origins[s.key].what == "credential" {
				rule = file.String() + " (credential " + s.credential + ") " + rule
				mend = "see LoadCredential= in the unit"
			}
			l.problem(s.key, rule, mend)
			continue
		}
		*s.into = Secret(text)
		if info, err := os.Stat(file.String()); err == nil && info.Mode().Perm()&0o004 != 0 {
			l.warn("%s: everyone on this machine can read %s; chmod 0600 it", s.key, file)
		}
	}
}

// readSecret returns the contents of a file, or what is wrong with it. The
// newline that editors put at the end is not part of a password.
func readSecret(file string, line bool) (text, rule string) {
	data, err := read(file, maxSecret)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", "names a file that does not exist"
	case err != nil:
		return "", "names a file that can't be read: " + reason(err)
	case len(data) > maxSecret:
		return "", "names a file that is too large for a secret"
	}
	text = string(data)
	if line {
		text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
		if strings.ContainsAny(text, "\n\r\x00") {
			return "", "names a file with more than one line"
		}
	}
	if strings.TrimSpace(text) == "" {
		return "", "names an empty file"
	}
	return text, ""
}

// checkSigningKey tells whether a PEM text is a key to sign mail with (RFC
// 6376, 8301 and 8463): RSA or Ed25519. rule is "" where it is; weak says that
// verifiers accept it with reservations.
func checkSigningKey(text string) (rule string, weak bool) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return "names a file without a PEM block", false
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return "names a file with a PEM block of the type " + block.Type + " and no private key that can be read", false
	}
	if err != nil {
		return "names a file with a private key that can't be read", false
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() < 1024 {
			return "names an RSA key shorter than 1024 bits, which no verifier accepts (RFC 8301)", false
		}
		return "", k.N.BitLen() < 2048
	case ed25519.PrivateKey:
		return "", false
	case *ecdsa.PrivateKey:
		return "names an elliptic curve key, which DKIM does not know", false
	}
	return "names a key that DKIM does not know", false
}
