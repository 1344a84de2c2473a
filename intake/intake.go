// Package intake takes what comes back: bounces, complaints, answers from
// calendars. It is an LMTP server (RFC 2033) on this machine, behind the mail
// server that receives for the bounce domain.
//
// # What becomes of a mail
//
//	report on a delivery (RFC 3464)        a return: hard, soft, receipt; a hard one about the address marks it
//	bounce in words alone                  a return: odd, or hard where a code stands beside the address
//	complaint (RFC 5965)                   a return; it mutes the reminders and keeps the seat
//	answer to an invitation (RFC 5546)     a return; after a no, letters offer to give up the seat
//	anything else                          dropped, and counted by what it was
//
// # Its invariant
//
// Nothing is believed because it was said. A mail is about a letter of ours only
// if it shows what nobody else can know: the return path of that letter, which
// this program alone can make (mailer.Composer), or its Message-ID together with
// its number, or the UID of its invitation, of which 122 bits are random. So
// who forges a bounce can do to others nothing at all, and to themselves what they
// could do anyway. An address is marked only on a code of RFC 3463 that is
// about the address, in a report on that very address.
//
// Each mail is accepted only when what it means is in the database. While the
// database is away the answer is "later", and the mail server keeps the mail.
// The same mail twice is one return. Whatever its form, a mail takes bounded
// time and memory and ends in one of the lines above.
//
// # What it will not do
//
// It takes nobody's seat, answers no mail, and forwards none: what people write
// belongs into a mailbox that people read (docs/bounces.md says how they get
// there). It logs no address, no subject, no text.
package intake

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"convened"
	"convened/address"
	"convened/store"
)

// A Store finds letters and keeps what came back of them: *store.Store.
type Store interface {
	AddresseeOf(ctx context.Context, notice convened.NoticeID) (store.Addressee, error)
	AddresseeOfCopy(ctx context.Context, notice convened.NoticeID, messageID string) (store.Addressee, error)
	AddresseeOfInvitation(ctx context.Context, uid string) (store.Addressee, error)
	IsOrganizer(ctx context.Context, email string) (bool, error)
	Return(ctx context.Context, event string, r convened.Return) (convened.Effect, error)
	CountIncoming(ctx context.Context, now time.Time, what string) error
}

// ReturnPaths reads back the envelope senders of letters: *mailer.Composer.
type ReturnPaths interface {
	ParseReturnPath(address string) (convened.NoticeID, bool)
}

// Options say for whom mail is taken in.
type Options struct {
	Store     Store
	Paths     ReturnPaths
	Domain    string           // smtp.bounce_domain
	Addresses []string         // smtp.from and smtp.reply_to; "" is none
	Hostname  string           // how the server names itself; "" is localhost
	Now       func() time.Time // the one clock
	Logger    *slog.Logger     // nil: silent
	Idle      time.Duration    // how long a client may take for a command or a mail; 0: a minute
}

// An Intake takes mail in. It is safe for use by many goroutines.
type Intake struct {
	store    Store
	paths    ReturnPaths
	known    map[string]mailbox // by address.Key
	hostname string
	now      func() time.Time
	log      *slog.Logger
	idle     time.Duration
	again    time.Duration // between two tries to listen
}

// The mailboxes of the bounce domain, besides the return paths. Postfix leads
// copies and forwarded mail there.
const (
	bounceBox    = "bounce"     // reports for which a relay had no return path of ours
	replyBox     = "replies"    // copies of what comes to an organiser: answers from calendars
	complaintBox = "complaints" // where mailbox providers send theirs
)

// New makes an intake. It does not listen.
func New(o Options) (*Intake, error) {
	in := &Intake{store: o.Store, paths: o.Paths, known: map[string]mailbox{}, hostname: o.Hostname, now: o.Now, log: o.Logger, idle: o.Idle, again: 5 * time.Second}
	if in.log == nil {
		in.log = slog.New(slog.DiscardHandler)
	}
	if in.idle == 0 {
		in.idle = time.Minute
	}
	if in.hostname == "" {
		in.hostname = "localhost"
	}
	for _, box := range []string{bounceBox, replyBox, complaintBox} {
		a, err := address.Parse(box + "@" + o.Domain)
		if err != nil {
			return nil, fmt.Errorf("smtp.bounce_domain: %w", err)
		}
		in.known[address.Key(a.String())] = mailbox{complaints: box == complaintBox}
	}
	for _, a := range o.Addresses {
		if a = strings.TrimSpace(a); a != "" {
			in.known[address.Key(a)] = mailbox{}
		}
	}
	return in, nil
}

// A mailbox is one to which mail may come.
type mailbox struct {
	notice     convened.NoticeID // whose return path it is; zero: nobody's, and nothing is proved
	complaints bool              // copies of letters that come here are complaints, even without a report
}

// mailbox returns the mailbox of an envelope recipient. It reports false for an
// address that is none of ours.
func (in *Intake) mailbox(ctx context.Context, rcpt string) (mailbox, bool, error) {
	if id, ok := in.paths.ParseReturnPath(rcpt); ok {
		return mailbox{notice: id}, true, nil
	}
	if box, ok := in.known[address.Key(rcpt)]; ok {
		return box, true, nil
	}
	// ORGANIZER of an invitation is the organiser's own address, where it is of
	// the sender's domain.
	known, err := in.store.IsOrganizer(ctx, strings.TrimSpace(rcpt))
	return mailbox{}, known, err
}
