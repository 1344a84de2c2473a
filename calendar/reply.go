package calendar

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// An Answer is what an attendee said to an invitation (RFC 5545 3.2.12). Others
// than these exist, and are kept as they came, in capitals.
type Answer string

// The answers that people give.
const (
	Accepted  Answer = "ACCEPTED"
	Tentative Answer = "TENTATIVE"
	Declined  Answer = "DECLINED"
)

// A Reply is one person's answer to one invitation (RFC 5546 3.2.3). Nothing in
// it is proved: who knows a UID can write one.
type Reply struct {
	UID      string    // of the invitation
	Sequence int       // of the invitation that is answered; 0 where it is not said
	Stamp    time.Time // DTSTAMP: when it was given, by the clock of who gave it; UTC, zero where it is not said
	Attendee string    // the address, without mailto:, as it came
	Answer   Answer
}

// ErrNoReply is wrapped by every error of ParseReply.
var ErrNoReply = errors.New("not an answer to an invitation")

// maxReply is the longest text that is read, in bytes. An answer repeats the
// invitation, and ours have some thousands.
const maxReply = 256 << 10

// ParseReply reads an iTIP REPLY as calendars write it: one VEVENT without a
// RECURRENCE-ID, one ATTENDEE with a PARTSTAT. What it does not need may be
// wrong: a line that is none is passed over, line ends may be LF, an END may be
// missing. Its errors wrap ErrNoReply, and hold nothing of what was read.
//
// It does not use the library, whose reader gives up at the first odd line.
func ParseReply(data []byte) (*Reply, error) {
	r, err := parseReply(data)
	if err != nil {
		return nil, fmt.Errorf("read reply: %w: %w", ErrNoReply, err)
	}
	return r, nil
}

func parseReply(data []byte) (*Reply, error) {
	if len(data) > maxReply {
		return nil, fmt.Errorf("it has more than %d bytes", maxReply)
	}
	var r Reply
	var within []string // the components around a line, outermost first
	method, events, attendees := "", 0, 0
	for _, line := range contentLines(string(data)) {
		name, parameters, value, ok := readLine(line)
		if !ok {
			continue
		}
		switch {
		case name == "BEGIN":
			if len(within) == maxNesting {
				return nil, errors.New("its components are nested too deeply")
			}
			within = append(within, strings.ToUpper(strings.TrimSpace(value)))
			if isEvent(within) {
				events++
			}
		case name == "END":
			if len(within) > 0 {
				within = within[:len(within)-1]
			}
		case name == "METHOD" && len(within) == 1:
			method = strings.ToUpper(strings.TrimSpace(value))
		case isEvent(within) && events == 1:
			switch name {
			case "RECURRENCE-ID":
				return nil, errors.New("it is about one of several dates")
			case "UID":
				r.UID = strings.TrimSpace(value)
			case "SEQUENCE":
				if n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 32); err == nil && n >= 0 {
					r.Sequence = int(n)
				}
			case "DTSTAMP":
				if t, err := time.Parse("20060102T150405", strings.TrimSuffix(strings.TrimSpace(value), "Z")); err == nil {
					r.Stamp = t
				}
			case "ATTENDEE":
				attendees++
				r.Attendee, r.Answer = fromMailto(value), Answer(strings.ToUpper(parameters["PARTSTAT"]))
			}
		}
	}
	switch {
	case method != "REPLY":
		return nil, errors.New("its method is not REPLY")
	case events != 1:
		return nil, fmt.Errorf("it holds %d events", events)
	case attendees != 1:
		return nil, fmt.Errorf("it is of %d people", attendees)
	case r.UID == "" || r.Attendee == "" || r.Answer == "":
		return nil, errors.New("it does not say who answers what to which invitation")
	}
	return &r, nil
}

// maxNesting is more than any calendar has: VCALENDAR, VEVENT, VALARM.
const maxNesting = 8

func isEvent(within []string) bool {
	return len(within) == 2 && within[0] == "VCALENDAR" && within[1] == "VEVENT"
}

// contentLines splits a text into content lines (RFC 5545 3.1), whose ends may be
// CRLF, LF or CR.
func contentLines(text string) []string {
	text = strings.TrimPrefix(text, "\uFEFF")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	text = strings.NewReplacer("\n ", "", "\n\t", "").Replace(text)
	return strings.Split(text, "\n")
}

// readLine takes a line apart. Names are in capitals, quotes around the
// values of parameters are gone. It reports false for what is no such line.
func readLine(line string) (name string, parameters map[string]string, value string, ok bool) {
	end := strings.IndexAny(line, ";:")
	if end < 1 {
		return "", nil, "", false
	}
	name, rest := strings.ToUpper(strings.TrimSpace(line[:end])), line[end:]
	for strings.HasPrefix(rest, ";") {
		rest = rest[1:]
		// A double quote can't be part of a value, so every second one ends a
		// text in which : and ; mean nothing.
		quoted, end := false, -1
		for i := 0; i < len(rest) && end < 0; i++ {
			switch c := rest[i]; {
			case c == '"':
				quoted = !quoted
			case !quoted && (c == ';' || c == ':'):
				end = i
			}
		}
		if end < 0 {
			return "", nil, "", false
		}
		if key, text, ok := strings.Cut(rest[:end], "="); ok {
			if parameters == nil {
				parameters = map[string]string{}
			}
			parameters[strings.ToUpper(strings.TrimSpace(key))] = strings.ReplaceAll(text, `"`, "")
		}
		rest = rest[end:]
	}
	return name, parameters, rest[1:], true
}

// fromMailto returns the address of a mailto URI (RFC 6068), or of what was
// meant as one.
func fromMailto(value string) string {
	value = strings.TrimSpace(value)
	if len(value) >= len("mailto:") && strings.EqualFold(value[:len("mailto:")], "mailto:") {
		value = value[len("mailto:"):]
	}
	value, _, _ = strings.Cut(value, "?")
	if text, err := url.PathUnescape(value); err == nil {
		value = text
	}
	return strings.TrimSpace(value)
}
