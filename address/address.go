// Package address says what an e-mail address is to this program: which
// strings are one, how one is written on the wire, and when two of them are
// the same seat.
//
// A person types the address, on a form that nobody here controls, so nothing
// in it is trusted. What Parse lets through is a dot-atom (RFC 5321 4.1.2, with
// the non-ASCII letters of RFC 6531) at a domain name of at least two labels,
// and can be put into an SMTP command, a header field or a mailto: URI as it
// stands, without quoting or escaping. That is the invariant. The price is that
// a few addresses which RFC 5322 allows and hardly anybody has are refused:
// quoted local parts, comments, address literals such as [192.0.2.1], and
// names without a dot, which a relay would deliver to its own machine.
//
// The package does not ask the DNS, and it doesn't guess what was meant:
// whether there is a mailbox is for the server to say.
package address

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"convened"
)

// The limits in octets: RFC 5321 4.5.3.1.1, and 4.5.3.1.3 less the two angle
// brackets of a path.
const (
	maxLocal   = 64
	maxAddress = 254
	maxLabel   = 63
)

// maxKey is the length in bytes that a key never exceeds: room for every
// address, and far below what one entry of a Postgres index can hold.
const maxKey = 320

// An Address is a mailbox. The zero value is none; Parse makes the others.
type Address struct {
	Local  string // as the person typed it, in Unicode normal form C
	Domain string // lower case, every label an A-label (RFC 5890 2.3.2.1): ASCII only
}

// Parse reads one bare address, such as "ana@example.org". White space and
// invisible characters around it are dropped, as pasting brings them along.
// Every error wraps convened.ErrRefused, says what is wrong in words that an
// organiser understands, and never repeats the address, so that it may be
// logged and stored.
func Parse(s string) (Address, error) {
	if a, ok := parseUsual(s); ok {
		return a, nil
	}
	return parse(s)
}

func parse(s string) (Address, error) {
	s = trim(s)
	switch {
	case s == "":
		return Address{}, refuse("there is no address")
	case !utf8.ValidString(s):
		return Address{}, refuse("the address is not valid UTF-8")
	case len(s) > 4*maxAddress:
		// A U-label can be longer than its A-label, but not by that much:
		// don't spend time on a novel.
		return Address{}, refuse("the address is longer than %d octets", maxAddress)
	}
	if err := checkCharacters(s); err != nil {
		return Address{}, err
	}
	local, domain, err := split(s)
	if err != nil {
		return Address{}, err
	}
	local = norm.NFC.String(local)
	if err := checkLocal(local); err != nil {
		return Address{}, err
	}
	if domain, err = canonicalDomain(domain); err != nil {
		return Address{}, err
	}
	a := Address{Local: local, Domain: domain}
	if len(a.Local)+1+len(a.Domain) > maxAddress {
		return Address{}, refuse("the address is longer than %d octets", maxAddress)
	}
	return a, nil
}

// parseUsual is Parse for an address as nearly all are: of ASCII letters, digits,
// dots, hyphens, underscores and plus signs, at a domain in lower case. It reports
// false for every other, which may be one.
func parseUsual(s string) (Address, bool) {
	at := -1
	last := byte('.') // what stands before s, as far as dots are concerned
	label, letters := 0, 0
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z':
			letters++
		case '0' <= c && c <= '9':
		case c == '-' && (at < 0 || last != '.' && label != 2):
			// An A-label is xn--, and may be none.
		case (c == '_' || c == '+' || 'A' <= c && c <= 'Z') && at < 0:
		case c == '.' && last != '.' && (at < 0 || last != '-'):
			label, letters, last = 0, 0, c
			continue
		case c == '@' && at < 0 && last != '.':
			at, label, letters, last = i, 0, 0, '.'
			continue
		default:
			return Address{}, false
		}
		if label++; label > maxLabel {
			return Address{}, false
		}
		last = c
	}
	// The last label is of letters and digits, not of digits alone, and not the
	// only one.
	if at < 0 || at > maxLocal || len(s) > maxAddress || letters == 0 || last == '-' || at+1+label == len(s) {
		return Address{}, false
	}
	return Address{Local: s[:at], Domain: s[at+1:]}, true
}

// String returns local@domain, the form for SMTP commands and header fields.
// It is ASCII unless NeedsSMTPUTF8.
func (a Address) String() string { return a.Local + "@" + a.Domain }

// NeedsSMTPUTF8 reports whether mail to this address needs a server that
// offers SMTPUTF8 (RFC 6531): a non-ASCII domain has an A-label, a non-ASCII
// local part has no other form.
func (a Address) NeedsSMTPUTF8() bool { return !isASCII(a.Local) }

// Key returns the identity of a seat: two strings with one key are one person
// for one event. The domain is the lower-case A-label and the local part is
// case-folded in full (Unicode 3.13, so "STRASSE" and "straße" are one), although RFC
// 5321 2.4 would let a host tell them apart: no host does, and people do not
// type the same case twice.
//
// For what Parse refuses, the key is the trimmed text in lower case. Either way
// it is valid UTF-8 without NUL, at most 320 bytes long (a longer one is
// replaced by its hash), and so fits a text column and its index.
func Key(s string) string {
	key := strings.ToLower(trim(strings.ToValidUTF8(s, "\uFFFD")))
	if a, err := Parse(s); err == nil {
		key = fold(a.Local) + "@" + a.Domain
	}
	key = strings.ReplaceAll(key, "\x00", "\uFFFD")
	if len(key) > maxKey {
		sum := sha256.Sum256([]byte(key))
		return "sha256:" + hex.EncodeToString(sum[:])
	}
	return key
}

// fold is the caseless form of Unicode 3.13, definition D145: folding can
// undo the normal form, so the text is normalised before and after.
func fold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return norm.NFC.String(cases.Fold().String(norm.NFD.String(s)))
}

// trim drops white space and the invisible characters that come with text
// copied out of a web page or a word processor.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || r >= '\u200B' && r <= '\u200D' || r == '\u2060' || r == '\uFEFF'
	})
}

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{convened.ErrRefused}, args...)...)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// checkCharacters looks for what may stand nowhere in an address, before the
// parts are told apart: line ends inject SMTP commands and header fields,
// format characters make one address look like another.
func checkCharacters(s string) error {
	for _, r := range s {
		switch {
		case r == '\r' || r == '\n':
			return refuse("the address contains a line break")
		case unicode.IsSpace(r):
			return refuse("the address contains a space")
		case unicode.IsControl(r):
			return refuse("the address contains a control character")
		case unicode.Is(unicode.Cf, r) && r != '\u200C' && r != '\u200D':
			// The two joiners belong to the spelling of some scripts; IDNA
			// has its own rule for them, and checkLocal refuses them.
			return refuse("the address contains an invisible character")
		case r == utf8.RuneError, !unicode.IsGraphic(r) && r != '\u200C' && r != '\u200D':
			return refuse("the address contains a character that no address has")
		}
	}
	return nil
}

// split cuts at the last @, which is the only one: quoted local parts, the one
// place for a second, are refused.
func split(s string) (local, domain string, err error) {
	at := strings.LastIndexByte(s, '@')
	switch {
	case at < 0:
		return "", "", refuse("the address has no @")
	case at == 0:
		return "", "", refuse("the address has nothing before its @")
	case at == len(s)-1:
		return "", "", refuse("the address has nothing after its @")
	}
	local, domain = s[:at], s[at+1:]
	switch {
	case strings.ContainsAny(s, "<>,;"):
		return "", "", refuse("there must be one address alone, without a name, angle brackets, commas or semicolons")
	case strings.Contains(local, `"`):
		return "", "", refuse("an address with quotation marks is not supported")
	case strings.Contains(local, "@"):
		return "", "", refuse("the address has more than one @")
	}
	return local, domain, nil
}

// checkLocal wants a dot-atom: RFC 5322 3.2.3, with UTF8-non-ascii of RFC 6532
// 3.2 for letters, marks, digits, punctuation and symbols beyond ASCII.
func checkLocal(local string) error {
	switch {
	case len(local) > maxLocal:
		return refuse("the part before the @ is longer than %d octets", maxLocal)
	case strings.HasPrefix(local, "."), strings.HasSuffix(local, "."):
		return refuse("the part before the @ begins or ends with a dot")
	case strings.Contains(local, ".."):
		return refuse("the part before the @ has two dots in a row")
	}
	for _, r := range local {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9',
			strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", r):
		case r < utf8.RuneSelf:
			return refuse("the part before the @ contains %q, which no address has", r)
		case !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S):
			return refuse("the part before the @ contains a character that no address has")
		}
	}
	return nil
}

// lookup is UTS 46 non-transitional processing, as browsers do it: case and
// width are mapped, "straße.de" stays what its owner registered. Hyphens in the
// third and fourth place are let through, because such names exist in the DNS.
var lookup = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.BidiRule(),
	idna.CheckJoiners(true),
	idna.CheckHyphens(false),
)

// canonicalDomain returns the domain as lower-case A-labels, and checks each:
// RFC 1035 2.3.1 as RFC 5321 2.3.5 has it.
func canonicalDomain(domain string) (string, error) {
	if strings.HasPrefix(domain, "[") {
		return "", refuse("an address at an IP number is not supported")
	}
	ascii, err := lookup.ToASCII(domain)
	if err != nil {
		// The library's error repeats the label.
		return "", refuse("the part after the @ is not a domain name")
	}
	ascii = strings.ToLower(ascii)
	labels := strings.Split(ascii, ".")
	for _, label := range labels {
		switch {
		case label == "":
			return "", refuse("the part after the @ begins or ends with a dot, or has two in a row")
		case len(label) > maxLabel:
			return "", refuse("a label of the domain is longer than %d octets", maxLabel)
		case label[0] == '-' || label[len(label)-1] == '-':
			return "", refuse("a label of the domain begins or ends with a hyphen")
		case strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
			return "", refuse("the part after the @ is not a domain name")
		}
	}
	if len(labels) < 2 {
		return "", refuse("the part after the @ has no dot in it, such as that of example.org")
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return "", refuse("an address at an IP number is not supported")
	}
	return ascii, nil
}
