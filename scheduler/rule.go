package scheduler

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"convened"
)

// RuleFields is a rule as the event file has it, one string a key. A key that
// is not there is "", and AtMost 0 is no limit.
type RuleFields struct {
	Before string // "24h", "3 days", "3 days at 09:00"
	After  string // "2h", "1 day at 10:00"
	Cron   string // "0 9 * * MON-FRI"
	From   string // with Cron: "7 days", "48h"
	Until  string // with Cron: "1 day"; "" is the start
	AtMost int    // with Cron
}

// A Rule says when a reminder goes out, relative to an event. It is one of
//
//	before 24h                  elapsed hours before the instant of the start
//	before 3 days               the start's time of day, 3 calendar days before its date
//	before 3 days at 09:00      that time of day, 3 calendar days before the start's date
//	cron 0 9 * * MON-FRI from 7 days until 1 day at most 3
//	after 2h                    a follow-up: elapsed hours after the instant of the end
//	after 1 day [at 10:00]      calendar days after the date of the end
//
// Days are days of the calendar in the event's zone and hours are elapsed
// hours: across a clock change "24h" and "1 day" are an hour apart. "0 days at
// 09:00" is the day of the event itself.
//
// A cron line is read on the wall clock of the event's zone, within a window
// from From before the start until Until before the start, both inclusive.
// Where the window is in days, its ends have the start's time of day. Of the
// instants in the window the first AtMost count. Whatever the window, nothing
// but a follow-up goes out at the start or after it, and no follow-up at the
// end or before it.
//
// A wall time that does not exist moves forward by the gap, one that exists
// twice is the first (see [convened.Wall.In]), and each instant fires once:
// an hourly rule fires at 02:00 once on the night that has it twice, and where
// 02:00 is skipped it shares the instant of 03:00.
//
// Rules are immutable and compare with ==. Two that differ only in how they
// were typed ("90m" and "1h30m") are equal. The zero Rule never fires.
type Rule struct {
	anchor anchor
	span   Span      // before and after
	at     clockTime // before and after, with days
	cron   string    // normalised
	from   Span      // cron
	until  Span      // cron
	atMost int       // cron; 0 is no limit
}

// An anchor is which of the three kinds of rule one is.
type anchor uint8

const (
	never anchor = iota
	beforeStart
	afterEnd
	onCron
)

// maxReach is how far from the event a rule may lie.
const maxReach = 400 // days

// maxAtMost is the largest at_most: more than any rule fires in a month.
const maxAtMost = 3000

// maxRuleText is the longest value that a rule's key may have, in bytes.
const maxRuleText = 200

// A RuleError says what is wrong with an organiser's rule and how to mend it.
type RuleError struct {
	Field string // the event file's key: "before", "cron" …; "" where there is none
	Value string // as it was written; "" where it is missing
	Why   string // completes a sentence whose subject is the value: "fires at …"
	Mend  string // an imperative: `write "24h"`
}

// Error is a full sentence without its final stop: key, value, rule and mend.
func (e *RuleError) Error() string {
	s := e.problem()
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	return s + "; " + e.Mend
}

// problem is the error without its key and its mend.
func (e *RuleError) problem() string {
	if e.Value == "" {
		return e.Why
	}
	return quoted(e.Value) + " " + e.Why
}

// quoted quotes what somebody typed, and not all of it if it is long.
func quoted(s string) string {
	const most = 60
	if len(s) > most {
		cut := most
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strconv.Quote(s)
}

// NewRule makes a rule of the keys of an event file. Its error is a
// *RuleError: not exactly one of before, after and cron; a key that does not
// belong to that one; a duration that is negative, zero, unreadable or beyond
// 400 days; a cron line that normalCron refuses; a window that ends before it
// begins.
//
// What depends on the event, such as a rule that would fire after its start,
// is no error here: such an instant never fires, and Lint says so.
func NewRule(f RuleFields) (Rule, error) {
	r, err := newRule(RuleFields{
		Before: strings.TrimSpace(f.Before), After: strings.TrimSpace(f.After), Cron: strings.TrimSpace(f.Cron),
		From: strings.TrimSpace(f.From), Until: strings.TrimSpace(f.Until), AtMost: f.AtMost,
	})
	if err != nil {
		return Rule{}, err
	}
	return r, nil
}

func newRule(f RuleFields) (Rule, error) {
	for _, kv := range [][2]string{{"before", f.Before}, {"after", f.After}, {"cron", f.Cron}, {"from", f.From}, {"until", f.Until}} {
		if len(kv[1]) > maxRuleText {
			return Rule{}, &RuleError{kv[0], kv[1], fmt.Sprintf("is longer than %d bytes", maxRuleText), "write a shorter one"}
		}
	}
	var said []string
	for _, kv := range [][2]string{{"before", f.Before}, {"after", f.After}, {"cron", f.Cron}} {
		if kv[1] != "" {
			said = append(said, kv[0])
		}
	}
	switch {
	case len(said) == 0:
		return Rule{}, &RuleError{Field: "reminder", Why: "says neither before, cron nor after, and it needs exactly one of them",
			Mend: `write one, such as "before: 24h"`}
	case len(said) > 1:
		return Rule{}, &RuleError{Field: "reminder", Why: "says " + strings.Join(said, " and ") + ", and it needs exactly one of before, cron and after",
			Mend: "make each a reminder of its own"}
	case f.Cron != "":
		return newCronRule(f)
	}
	for _, kv := range [][2]string{{"from", f.From}, {"until", f.Until}, {"at_most", number(f.AtMost)}} {
		if kv[1] != "" {
			return Rule{}, &RuleError{kv[0], kv[1], "belongs to a cron rule, and this one says " + said[0], "remove it"}
		}
	}
	if f.After != "" {
		return newOffsetRule(afterEnd, "after", f.After)
	}
	return newOffsetRule(beforeStart, "before", f.Before)
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

var clockForm = regexp.MustCompile(`^([0-9]{1,2}):([0-9]{2})$`)

// newOffsetRule reads "24h", "3 days" or "3 days at 09:00".
func newOffsetRule(a anchor, field, value string) (Rule, error) {
	refuse := func(why, mend string) (Rule, error) { return Rule{}, &RuleError{field, value, why, mend} }
	text := strings.ToLower(strings.Join(strings.Fields(value), " "))
	distance, hour, timed := strings.Cut(text, " at ")
	span, err := parseSpan(field, value, distance)
	if err != nil {
		return Rule{}, err
	}
	r := Rule{anchor: a, span: span}
	if !timed {
		if span.IsZero() {
			return refuse("is no time at all, and a reminder goes out before the start and a follow-up after the end",
				fmt.Sprintf(`write a time, such as "%s: 1h" or "%s: 0 days at 09:00"`, field, field))
		}
		return r, nil
	}
	m := clockForm.FindStringSubmatch(hour)
	if m == nil {
		return refuse(fmt.Sprintf("has %s as its time of day", quoted(hour)), `write hours and minutes, such as "09:00" or "16:30"`)
	}
	r.at.set = true
	r.at.hour, _ = strconv.Atoi(m[1]) // two digits
	r.at.minute, _ = strconv.Atoi(m[2])
	if r.at.hour > 23 || r.at.minute > 59 {
		return refuse(fmt.Sprintf("has %s as its time of day", quoted(hour)), "write one from 00:00 to 23:59")
	}
	if span.Elapsed != 0 {
		days := max(1, int(span.Elapsed.Round(24*time.Hour)/(24*time.Hour)))
		return refuse("gives a time of day to elapsed hours, and only days have one",
			fmt.Sprintf(`write "%s at %s", or "%s" alone`, dayCount(days), r.at, span))
	}
	return r, nil
}

// newCronRule reads a cron line and its window.
func newCronRule(f RuleFields) (Rule, error) {
	line, err := normalCron(f.Cron)
	if err != nil {
		return Rule{}, err
	}
	r := Rule{anchor: onCron, cron: line, atMost: f.AtMost}
	if f.From == "" {
		return Rule{}, &RuleError{Field: "from", Why: "is missing, and a cron rule is bound to a window before the start", Mend: `add one, such as "from: 7 days"`}
	}
	if r.from, err = parseSpan("from", f.From, f.From); err != nil {
		return Rule{}, err
	}
	if f.Until != "" {
		if r.until, err = parseSpan("until", f.Until, f.Until); err != nil {
			return Rule{}, err
		}
	}
	if r.from.Duration() <= r.until.Duration() {
		return Rule{}, &RuleError{"from", f.From, fmt.Sprintf("is not further from the start than until: %s, and the window begins at from and ends at until", r.until),
			"write a longer from, or a shorter until"}
	}
	if f.AtMost < 0 || f.AtMost > maxAtMost {
		return Rule{}, &RuleError{"at_most", strconv.Itoa(f.AtMost), "is no number of mails", fmt.Sprintf("write one from 1 to %d, or leave it out for no limit", maxAtMost)}
	}
	return r, nil
}

// parseSpan reads text, a part of the value of a key.
func parseSpan(field, value, text string) (Span, error) {
	span, err := ParseDuration(text)
	if err != nil {
		var e *RuleError
		if errors.As(err, &e) {
			e.Field, e.Value = field, value
		}
		return Span{}, err
	}
	if span.Duration() > maxReach*24*time.Hour {
		return Span{}, &RuleError{field, value, fmt.Sprintf("is more than %d days from the event", maxReach), "write a shorter time"}
	}
	return span, nil
}

var cronRuleForm = regexp.MustCompile(`^(.+?)(?: from (.+?))?(?: until (.+?))?(?: at most ([1-9][0-9]{0,5}))?$`)

// ParseRule reads the text that Rule.String writes, as it stands in
// convened.reminders.rule: ParseRule(r.String()) is r. A text that a person
// wrote differently but that means the same is read too. Its error is a
// *RuleError.
func ParseRule(text string) (Rule, error) {
	refuse := func(why, mend string) (Rule, error) { return Rule{}, &RuleError{"rule", text, why, mend} }
	if len(text) > 4*maxRuleText {
		return refuse(fmt.Sprintf("is longer than %d bytes", 4*maxRuleText), "write a shorter one")
	}
	word, rest, _ := strings.Cut(strings.Join(strings.Fields(text), " "), " ")
	switch {
	case rest == "":
	case word == "before":
		return NewRule(RuleFields{Before: rest})
	case word == "after":
		return NewRule(RuleFields{After: rest})
	case word == "cron":
		m := cronRuleForm.FindStringSubmatch(rest)
		if m == nil {
			break
		}
		f := RuleFields{Cron: m[1], From: m[2], Until: m[3]}
		f.AtMost, _ = strconv.Atoi(m[4]) // nothing, or at most six digits
		return NewRule(f)
	}
	return refuse("is not a rule", `write one such as "before 24h", "after 2h" or "cron 0 9 * * MON-FRI from 7 days"`)
}

// RuleOf returns the rule of a reminder. Its error wraps a *RuleError and
// names the reminder.
func RuleOf(rem *convened.Reminder) (Rule, error) {
	r, err := ParseRule(rem.Rule)
	if err != nil {
		return Rule{}, fmt.Errorf("read the rule of reminder %s: %w", quoted(keyOf(rem)), err)
	}
	return r, nil
}

// String is the normalised text of the rule: what is stored, and the key of a
// reminder without a name. The zero Rule's is "never", which is no rule.
func (r Rule) String() string {
	f := r.Fields()
	switch r.anchor {
	case beforeStart:
		return "before " + f.Before
	case afterEnd:
		return "after " + f.After
	case onCron:
		s := "cron " + f.Cron + " from " + f.From
		if f.Until != "" {
			s += " until " + f.Until
		}
		if f.AtMost > 0 {
			s += fmt.Sprintf(" at most %d", f.AtMost)
		}
		return s
	}
	return "never"
}

// Fields returns the rule as an event file has it, normalised: NewRule of
// them is r.
func (r Rule) Fields() RuleFields {
	offset := r.span.String()
	if r.at.set {
		offset = dayCount(r.span.Days) + " at " + r.at.String()
	}
	switch r.anchor {
	case beforeStart:
		return RuleFields{Before: offset}
	case afterEnd:
		return RuleFields{After: offset}
	case onCron:
		f := RuleFields{Cron: r.cron, From: r.from.String(), AtMost: r.atMost}
		if !r.until.IsZero() {
			f.Until = r.until.String()
		}
		return f
	}
	return RuleFields{}
}

// Kind is Followup for a rule after the end, and ReminderKind for the others.
func (r Rule) Kind() convened.Kind {
	if r.anchor == afterEnd {
		return convened.Followup
	}
	return convened.ReminderKind
}
