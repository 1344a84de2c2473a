package calendar

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// oneLine cleans a title, a place or a name: no line ends, no control
// characters, nothing that turns the direction of what follows it.
func oneLine(s string) string { return clean(s, ' ') }

// lines cleans a text that may have several lines. They end in "\n", which the
// library escapes.
func lines(s string) string { return clean(s, '\n') }

// lineEnds are all the ways to say it: those of Unicode 5.8, less the vertical
// tab and the form feed, which are dropped.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

func clean(s string, lineEnd rune) string {
	if isClean(s) {
		return strings.Trim(s, " ")
	}
	return cleaned(s, lineEnd)
}

func cleaned(s string, lineEnd rune) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return lineEnd
		case r == '\t':
			return ' '
		case unseen(r):
			return -1
		}
		return r
	}, lineEnds.Replace(s))
	return strings.TrimSpace(s)
}

// isClean reports whether s has nothing to be cleaned but spaces at its ends. Most
// names are of ASCII and the letters of Latin up to its second extension.
func isClean(s string) bool {
	for _, r := range s {
		if (r < ' ' || r > '~') && (r < '\u00c0' || r > '\u024f') {
			return false
		}
	}
	return true
}

// unseen reports whether r has no place in a text: it can't be written in
// iCalendar, or shows one thing and is another. Joiners stay, because Persian
// and emoji need them, and so do the marks of direction, which turn nothing.
func unseen(r rune) bool {
	switch {
	case unicode.IsControl(r): // C0, DEL and C1
	case r >= 0x202A && r <= 0x202E: // embeddings and overrides
	case r >= 0x2066 && r <= 0x206F: // isolates, and formats that Unicode deprecates
	case r >= 0xFFF9 && r <= 0xFFFB: // interlinear annotation
	case r == 0xFEFF: // a BOM, wherever it stands
	case unicode.Is(unicode.Noncharacter_Code_Point, r):
	default:
		return false
	}
	return true
}

// sameToAll replaces the characters that parsers read differently inside the
// double quotes of a parameter with their nearest look-alikes. A double quote
// can't stand there at all. ^ begins an escape for those who know RFC 6868 (^'
// would be the quote) and is itself for the rest; a backslash begins one for
// those who apply the rules of TEXT.
var sameToAll = strings.NewReplacer(`"`, `'`, `\`, `/`, `^`, "\u02C6")

// commonName cleans a name for CN (RFC 5545 3.2.2), to stand in double quotes.
func commonName(name string) string {
	if name = oneLine(name); strings.ContainsAny(name, `"\^`) {
		return sameToAll.Replace(name)
	}
	return name
}

// maxUID is the longest UID in octets (RFC 7986 5.3 wants fewer than 255).
const maxUID = 254

// safeUID reports whether a UID holds only what needs no escape anywhere it
// goes: in TEXT, in a file name, in a URL. The @ is left out on purpose: what
// looks like an address is kept as one.
func safeUID(uid string) bool {
	if uid == "" || len(uid) > maxUID {
		return false
	}
	for i := range len(uid) {
		if c := uid[i]; !alphanumeric(c) && strings.IndexByte("-._:", c) < 0 {
			return false
		}
	}
	return true
}

var languageTag = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$`)

// mailto writes an address as a URI (RFC 6068), the domain as A-labels. It
// never holds a character that ends, folds or escapes anything in iCalendar.
// Its errors do not repeat the address.
func mailto(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at == len(address)-1 {
		return "", errors.New("the address is not of the form name@domain")
	}
	local, domain := address[:at], address[at+1:]
	if isUsual(local, domain) {
		return "mailto:" + address, nil
	}
	if strings.ContainsFunc(address, unseen) || strings.ToValidUTF8(address, "") != address {
		return "", errors.New("the address holds characters that no address has")
	}
	if quoted := len(local) > 2 && strings.HasPrefix(local, `"`) && strings.HasSuffix(local, `"`); !quoted &&
		(strings.ContainsFunc(local, unicode.IsSpace) || strings.ContainsAny(local, `"(),:;<>@[\]`)) {
		return "", errors.New("the address holds characters that only a quoted name may have")
	}
	domain, err := asciiDomain(domain)
	if err != nil {
		return "", err
	}
	return "mailto:" + escape(local, "!$'*+") + "@" + domain, nil
}

// isUsual reports whether an address is of letters, digits, dots and hyphens, and
// what nothing escapes, at a domain whose labels are not empty.
func isUsual(local, domain string) bool {
	for i := range len(local) {
		if c := local[i]; !alphanumeric(c) && strings.IndexByte("-._~!$'*+", c) < 0 {
			return false
		}
	}
	last := byte('.')
	for i := range len(domain) {
		c := domain[i]
		if !alphanumeric(c) && c != '-' && (c != '.' || last == '.') {
			return false
		}
		last = c
	}
	return last != '.'
}

// asciiDomain returns a domain in ASCII. Its error does not repeat it.
func asciiDomain(domain string) (string, error) {
	if strings.ContainsFunc(domain, func(r rune) bool { return r > unicode.MaxASCII }) {
		a, err := idna.Lookup.ToASCII(domain)
		if err != nil {
			return "", errors.New("the domain is not a domain name")
		}
		domain = a
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool { return r > unicode.MaxASCII || !alphanumeric(byte(r)) && r != '-' && r != '_' }) {
			return "", errors.New("the domain is not a domain name")
		}
	}
	return domain, nil
}

// webURL returns an http or https URL in the characters of RFC 3986 alone.
func webURL(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(strings.TrimSpace(s)) // refuses control characters
	if err != nil {
		return "", errors.New("the URL can't be read")
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return "", errors.New("the URL is not a link to the web")
	}
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }) {
		host, err := asciiDomain(u.Hostname())
		if err != nil {
			return "", fmt.Errorf("the URL: %w", err)
		}
		if port := u.Port(); port != "" {
			host += ":" + port
		}
		u.Host = host
	}
	return escape(u.String(), ":/?#[]@!$&'()*+,;=%"), nil
}

// escape percent-encodes every octet but letters, digits, -._~ and those of
// keep.
func escape(s, keep string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if alphanumeric(c) || strings.ContainsRune("-._~", rune(c)) || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
