package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"convened"
	"convened/store"
)

// A Fault is why letters do not arrive, as somebody who has to do something about
// it tells them apart.
type Fault string

// The faults.
const (
	NotAnAddress   Fault = "not-an-address"  // what was typed can't be one
	MailboxUnknown Fault = "mailbox-unknown" // there is nobody of that name
	DomainUnknown  Fault = "domain-unknown"  // there is no such domain, or it takes no mail
	MailboxOff     Fault = "mailbox-off"     // it is there and disabled
	MailboxFull    Fault = "mailbox-full"
	TakenForSpam   Fault = "taken-for-spam" // refused by policy
	SenderRefused  Fault = "sender-refused" // smtp.from is not welcome
	LetterRefused  Fault = "letter-refused" // too large, or what is in it
	NoLetter       Fault = "no-letter"      // the template makes none
	WrongLogin     Fault = "wrong-login"
	RelayAway      Fault = "relay-away"
	TryingAgain    Fault = "trying-again" // a temporary answer
	GaveUp         Fault = "gave-up"      // temporary answers until it was too late
	InDoubt        Fault = "in-doubt"     // no answer after the final dot
)

// Faults lists them, those first that one person can mend.
func Faults() []Fault {
	return []Fault{NotAnAddress, MailboxUnknown, DomainUnknown, MailboxOff, MailboxFull, TakenForSpam, SenderRefused, LetterRefused, NoLetter,
		WrongLogin, RelayAway, TryingAgain, GaveUp, InDoubt}
}

// Retriable reports whether trying the same letters again may help, once what is
// wrong is mended. An address that does not exist has to be corrected instead.
func (f Fault) Retriable() bool {
	switch f {
	case NotAnAddress, MailboxUnknown, DomainUnknown, MailboxOff:
		return false
	}
	return true
}

// A FailureGroup is everybody whose letters do not arrive for one reason.
type FailureGroup struct {
	Fault    Fault
	Letters  int
	People   int       // where somebody fails in two ways, in both
	Returned int       // letters that were taken, and came back
	Again    int       // letters that are tried again by themselves
	Held     int       // letters that wait for a decision: see ProposeRelease
	More     bool      // there are more than were counted
	Latest   time.Time // when the last of them failed
	Examples []store.FailureExample
}

// mostExamples is how many people a group names.
const mostExamples = 5

// Failures says what does not arrive of an event, by reason, in the order of
// Faults. Its error wraps store.ErrNotFound for an event that there is not.
func (d *Desk) Failures(ctx context.Context, event string) ([]FailureGroup, error) {
	if _, err := d.Store.Event(ctx, event); err != nil {
		return nil, fmt.Errorf("event %q: %w", event, err)
	}
	list, err := d.Store.Failures(ctx, event)
	if err != nil {
		return nil, err
	}
	return groupFailures(list), nil
}

// ProposeRetryOf says what would happen if letters that failed for one reason were
// tried again, as ProposeRetry does.
func (d *Desk) ProposeRetryOf(ctx context.Context, now time.Time, event string, fault Fault) (*Release, error) {
	if !fault.Retriable() {
		return nil, fmt.Errorf("%s: %w", fault, errCorrect)
	}
	if _, err := d.Store.Event(ctx, event); err != nil {
		return nil, fmt.Errorf("event %q: %w", event, err)
	}
	list, err := d.Store.FailedNotices(ctx, event)
	if err != nil {
		return nil, err
	}
	var ids []convened.NoticeID
	for _, f := range list {
		if faultOf(f) == fault {
			ids = append(ids, f.Notices...)
		}
	}
	if len(ids) == 0 {
		return &Release{Useless: map[string]int{}, Stay: map[string]int{}}, nil
	}
	r, err := d.ProposeRetry(ctx, now, Choice{IDs: ids})
	if errors.Is(err, errNotSo) {
		return nil, convened.ErrEdited // one of them went out meanwhile
	}
	return r, err
}

var errCorrect = errors.New("trying again does not help; correct the addresses instead, with `convened registration correct`")

func groupFailures(list []store.Failure) []FailureGroup {
	groups := map[Fault]*FailureGroup{}
	for _, f := range list {
		fault := faultOf(f)
		g := groups[fault]
		if g == nil {
			g = &FailureGroup{Fault: fault}
			groups[fault] = g
		}
		g.Letters += f.Letters
		g.People += f.People
		switch {
		case f.Returned:
			g.Returned += f.Letters
		case f.State == convened.Planned || f.State == convened.Unknown:
			g.Again += f.Letters
		case f.State == convened.Held:
			g.Held += f.Letters
		}
		g.More = g.More || f.Letters >= store.MostFailures
		if f.Latest.After(g.Latest) {
			g.Latest = f.Latest
		}
		g.Examples = append(g.Examples, f.Examples...)
	}
	var all []FailureGroup
	for _, fault := range Faults() {
		g := groups[fault]
		if g == nil {
			continue
		}
		slices.SortStableFunc(g.Examples, func(a, b store.FailureExample) int { return b.At.Compare(a.At) })
		seen := map[convened.RegistrationID]bool{}
		g.Examples = slices.DeleteFunc(g.Examples, func(e store.FailureExample) bool {
			twice := seen[e.Registration]
			seen[e.Registration] = true
			return twice
		})
		g.Examples = g.Examples[:min(mostExamples, len(g.Examples))]
		all = append(all, *g)
	}
	return all
}

// faultOf reads what came of letters as mailer's verdicts wrote it: the enhanced
// code (RFC 3463) says most, then the cause.
func faultOf(f store.Failure) Fault {
	_, subject, _ := strings.Cut(f.Enhanced, ".")
	switch subject { // RFC 3463 3.2 and 3.3
	case "2.2":
		return MailboxFull
	case "2.1":
		return MailboxOff
	case "1.2", "1.10": // 1.10: a null MX (RFC 7505)
		return DomainUnknown
	case "1.7", "1.8":
		return SenderRefused
	case "6.7":
		return NotAnAddress
	}
	switch f.Cause {
	case convened.CauseAddress:
		if f.Untried {
			return NotAnAddress
		}
		return MailboxUnknown
	case convened.CausePolicy:
		return TakenForSpam
	case convened.CauseContent:
		return LetterRefused
	case convened.CausePoison:
		return NoLetter
	case convened.CauseLogin:
		return WrongLogin
	case convened.CauseRelay:
		return RelayAway
	case convened.CauseDoubt:
		return InDoubt
	case convened.CauseUseless:
		return GaveUp
	}
	switch {
	case f.Returned:
		return MailboxUnknown // a bounce that does not say more
	case f.State == convened.Unknown || f.State == convened.Held:
		return InDoubt
	case f.State == convened.Refused:
		return GaveUp
	}
	return TryingAgain
}

// An Advice says in one language what a fault is, and what to do about it.
type Advice struct {
	What string // a heading
	Do   string // sentences
}

// Advice returns what to do about a fault, in one of convened.Languages; English
// for any other.
func (f Fault) Advice(language string) Advice {
	return cmp.Or(advice[language][f], advice["en"][f])
}
