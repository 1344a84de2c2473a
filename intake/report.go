package intake

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"convened"
	"convened/address"
	"convened/mailer"
)

// A report is what a server says of one recipient (RFC 3464 2.3).
type report struct {
	recipient string // identity of the Final-Recipient: address.Key; "" where it is not said or no address
	action    string // of RFC 3464 2.3.3, or "other"; "" where it is not said
	status    string // enhanced code; "" if none
	text      string // the server's words, one line
}

// readReport reads a group of fields.
func readReport(f fields) report {
	r := report{recipient: typedAddress(f["final-recipient"]), text: f["diagnostic-code"]}
	if words := strings.Fields(f["action"]); len(words) > 0 {
		r.action = known(words[0], "failed", "delayed", "delivered", "relayed", "expanded")
	}
	// "smtp; 550 5.1.1 …": the type in front is of no use to a reader.
	if kind, rest, ok := strings.Cut(r.text, ";"); ok && !strings.ContainsAny(strings.TrimSpace(kind), " \t") {
		r.text = rest
	}
	r.text = oneLine(r.text)
	r.status = enhancedIn(f["status"])
	// Many a server writes 5.0.0 there and the code that says something into the
	// words of the other server that it repeats.
	if said := enhancedIn(r.text); said != "" && mailer.CauseOf(r.status) == "" && (r.status == "" || said[0] == r.status[0]) {
		r.status = said
	}
	return r
}

// known returns one of a few words in lower case, and "other" for any other: what
// is not one of them may be anything, and goes into logs.
func known(word string, words ...string) string {
	if word = strings.ToLower(strings.TrimSpace(word)); slices.Contains(words, word) {
		return word
	}
	return "other"
}

// judge says what a report means: the kind of return and, for a bounce, why.
func (r report) judge() (convened.ReturnKind, convened.Cause) {
	class := byte(0)
	if r.status != "" {
		class = r.status[0]
	}
	switch r.action {
	case "delivered", "relayed", "expanded":
		return convened.Receipt, ""
	case "delayed":
		return convened.SoftBounce, convened.CauseServer
	case "failed":
	default:
		// The status may still say it.
		switch class {
		case '2':
			return convened.Receipt, ""
		case '4', '5':
		default:
			return convened.OddBounce, ""
		}
	}
	switch {
	case class == '4':
		return convened.SoftBounce, convened.CauseServer
	case class == '5' && isAccessDenied(r):
		return convened.HardBounce, convened.CauseAddress
	case class == '5':
		return convened.HardBounce, mailer.CauseOf(r.status)
	}
	return convened.HardBounce, ""
}

// isAccessDenied recognises how Microsoft 365 says that there is no such mailbox:
// with a code that is about networks.
func isAccessDenied(r report) bool {
	return r.status == "5.4.1" && strings.Contains(strings.ToLower(r.text), "recipient address rejected: access denied")
}

// choose returns the report that counts of those on one letter, which went to
// one address, and whether it is a reason to mark that address.
//
// A letter may be passed on, to a new mailbox or to several, and then the reports
// are on addresses that this program never wrote to. What is said of the
// address itself counts before what is said of others; of several the mildest
// does. One on another address marks nothing: a forwarding that fails says
// nothing of the mailbox that it starts from.
func choose(groups []fields, addressee string) (r report, mark bool) {
	var ours, all []report
	for _, f := range groups {
		one := readReport(f)
		all = append(all, one)
		if one.recipient != "" && one.recipient == addressee {
			ours = append(ours, one)
		}
	}
	list := ours
	if len(list) == 0 {
		list = all
	}
	if len(list) == 0 {
		return report{}, false
	}
	r = list[0]
	for _, one := range list[1:] {
		if one.severity() < r.severity() {
			r = one
		}
	}
	kind, cause := r.judge()
	return r, kind == convened.HardBounce && cause == convened.CauseAddress && (r.recipient == "" || r.recipient == addressee)
}

func (r report) severity() int {
	kind, cause := r.judge()
	switch {
	case kind == convened.Receipt:
		return 0
	case kind == convened.SoftBounce:
		return 1
	case kind == convened.OddBounce:
		return 2
	case cause != convened.CauseAddress:
		return 3
	}
	return 4
}

var (
	// A code of RFC 3463: a class, one of its eight subjects, a detail.
	enhancedCode = regexp.MustCompile(`[245]\.[0-7]\.[0-9]{1,3}`)
	// \x{e9} in an address of RFC 6533 3.
	escapedRune = regexp.MustCompile(`\\x\{([0-9A-Fa-f]{2,6})\}`)
)

// enhancedIn returns the first enhanced status code in a text, "" if there is
// none. What is part of a longer number, such as an IP address, is none.
func enhancedIn(s string) string {
	for _, at := range enhancedCode.FindAllStringIndex(s, -1) {
		before, after := s[:at[0]], s[at[1]:]
		if n := len(before); n > 0 && (isDigit(before[n-1]) || before[n-1] == '.') {
			continue
		}
		if after != "" && (isDigit(after[0]) || after[0] == '.' && len(after) > 1 && isDigit(after[1])) {
			continue
		}
		return s[at[0]:at[1]]
	}
	return ""
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// typedAddress returns the identity of an address such as "rfc822; ana@example.org"
// (RFC 3464 2.1.2) or, of RFC 6533, "utf-8; …". "" for what is none: a local
// user's name, an X.400 address.
func typedAddress(s string) string {
	kind, a, ok := strings.Cut(s, ";")
	if !ok {
		kind, a = "rfc822", s
	}
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "rfc822":
	case "utf-8":
		a = escapedRune.ReplaceAllStringFunc(a, func(s string) string {
			n, err := strconv.ParseUint(s[3:len(s)-1], 16, 32)
			if err != nil || n > 0x10FFFF {
				return "\uFFFD"
			}
			return string(rune(n))
		})
	default:
		return ""
	}
	a = strings.TrimSpace(a)
	a = strings.TrimSuffix(strings.TrimPrefix(a, "<"), ">")
	if _, err := address.Parse(a); err != nil {
		return ""
	}
	return address.Key(a)
}
