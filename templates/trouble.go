package templates

import (
	"fmt"

	"convened"
)

// maxSaid is how much of what a server said a letter shows, in characters: there
// may be many of it.
const maxSaid = 160

func said(s string) string { return cut(line(s), maxSaid) }

// trouble tells the organiser what is wrong, on the event's clock.
func (r *reading) trouble(l *Letter) *Trouble {
	t := r.claim.Trouble
	if t.None() {
		return nil
	}
	v := &Trouble{
		Event: line(r.event.Slug), NoLink: t.NoLink, Refused: t.Refused, More: t.Refused - min(len(t.Bounced), convened.MostBounced),
		Poison: t.Poison, PoisonError: said(t.PoisonError), Unsent: t.Unsent, UnsentError: said(t.UnsentError), Waiting: said(t.Waiting),
	}
	if t.NoLink {
		l.JoinLater = false // it is what the letter is about
	}
	for _, b := range t.Bounced[:min(len(t.Bounced), convened.MostBounced)] {
		v.Listed = append(v.Listed, Refusal{said(b.Email), said(b.Words)})
	}
	for _, h := range t.Held {
		v.Held = append(v.Held, Held{string(h.Cause), h.Notices, line(h.Reason)})
	}
	if t.Unsent > 0 {
		since := t.UnsentSince.In(r.zone)
		v.UnsentSince = fmt.Sprintf("%s, %s", r.locale.dateOf(since), r.locale.clockOf(since))
	}
	return v
}
