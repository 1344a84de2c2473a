package desk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-message/mail"

	"convened"
	"convened/mailer"
)

// A Post writes letters and carries them, by the configuration in force.
type Post interface {
	Write(now time.Time, c *convened.Claim) (*mailer.Letter, error)
	Send(ctx context.Context, l *mailer.Letter) convened.Outcome
}

// A Preview is a letter to be looked at, which nobody is sent.
type Preview struct {
	OpenedLetter
	Claim *convened.Claim
	At    time.Time // when it would be sent
	Data  []byte    // the whole letter, as mail programs open it
}

// ShowLetter makes the letter of a sample: see Preview.
func (d *Desk) ShowLetter(ctx context.Context, now time.Time, slug string, s Sample) (*Preview, error) {
	c, at, err := d.Preview(ctx, now, slug, s)
	if err != nil {
		return nil, err
	}
	p, _, err := d.show(at, c)
	return p, err
}

// ErrUnwritable is wrapped where a letter can't be made: what is wrong with its
// template, or with what it is about.
var ErrUnwritable = errors.New("the letter can't be made")

func (d *Desk) show(at time.Time, c *convened.Claim) (*Preview, *mailer.Letter, error) {
	l, err := d.Post.Write(at, c)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrUnwritable, err)
	}
	opened, err := OpenLetter(l.Data)
	if err != nil {
		return nil, nil, err
	}
	return &Preview{OpenedLetter: *opened, Claim: c, At: at, Data: l.Data}, l, nil
}

// ErrNotAllowed is wrapped where mail may not go to an address.
var ErrNotAllowed = errors.New("allow_recipients does not name it")

// SendTest sends the letter of a sample to one typed address and to nobody else:
// see TestSend. It is written on the trail first, without the address. An outcome
// that is not Sent is no error.
func (d *Desk) SendTest(ctx context.Context, now time.Time, slug string, s Sample, to string) (convened.Outcome, *Preview, error) {
	to = strings.TrimSpace(to)
	c, at, err := d.TestSend(ctx, now, slug, s, to)
	if err != nil {
		return convened.Outcome{}, nil, err
	}
	if d.Allows != nil && !d.Allows(to) {
		return convened.Outcome{}, nil, fmt.Errorf("%s: %w", to, ErrNotAllowed)
	}
	p, l, err := d.show(at, c)
	if err != nil {
		return convened.Outcome{}, nil, err
	}
	if err := d.Store.Note(ctx, convened.Deed{What: convened.TestSent, Event: slug, Detail: string(s.Kind)}); err != nil {
		return convened.Outcome{}, nil, err
	}
	return d.Post.Send(ctx, l), p, nil
}

// An OpenedLetter is a letter taken apart again, for people to look at.
type OpenedLetter struct {
	From, To, Subject, MessageID string
	Kind                         string       // X-Convened-Kind
	Header                       []HeaderLine // in the order of the letter, decoded
	Text, HTML, Calendar         []byte       // Calendar is nil where no invitation goes with it
}

// A HeaderLine is one line of a letter's header.
type HeaderLine struct{ Name, Value string }

// OpenLetter takes a letter apart.
func OpenLetter(data []byte) (*OpenedLetter, error) {
	r, err := mail.CreateReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read the letter: %w", err)
	}
	l := &OpenedLetter{Kind: r.Header.Get("X-Convened-Kind")}
	l.From, _ = r.Header.Text("From")
	l.To, _ = r.Header.Text("To")
	l.Subject, _ = r.Header.Subject()
	l.MessageID, _ = r.Header.MessageID()
	for fields := r.Header.Fields(); fields.Next(); {
		value, err := fields.Text()
		if err != nil {
			value = fields.Value() // as it is written is better than nothing
		}
		l.Header = append(l.Header, HeaderLine{fields.Key(), value})
	}
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the letter: %w", err)
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			return nil, fmt.Errorf("read the letter: %w", err)
		}
		if h, ok := part.Header.(*mail.InlineHeader); ok {
			switch kind, _, _ := h.ContentType(); strings.ToLower(kind) {
			case "text/plain":
				l.Text = body
			case "text/html":
				l.HTML = body
			case "text/calendar":
				l.Calendar = body
			}
		}
	}
}
