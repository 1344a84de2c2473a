package desk

import (
	"slices"
	"strings"
	"time"

	"convened"
)

// A FactsDraft is what an event is, as somebody types it, by the keys of the event
// file: all of it but the schedule and the introduction, which a Draft has. Nothing of
// it needs to be right.
type FactsDraft struct {
	Slug                         string // of a new event
	Title, Location, Description convened.Text
	Starts, Ends, Zone           string
	Language, HeldIn             string
	JoinURL, PageURL             string
	OrganizerName                string
	OrganizerEmail               string
	Colour, Logo                 string
}

// FactsOf is what an event is, to begin with.
func FactsOf(e *convened.Event) *FactsDraft {
	return &FactsDraft{Slug: e.Slug, Title: e.Title, Location: e.Location, Description: e.Description, Starts: e.StartsLocal.String(), Ends: e.EndsLocal.String(),
		Zone: e.Zone, Language: e.Language, HeldIn: e.HeldIn, JoinURL: e.JoinURL, PageURL: e.PageURL, OrganizerName: e.Organizer.Name, OrganizerEmail: e.Organizer.Email,
		Colour: e.Colour, Logo: e.Logo}
}

// On reads the draft as the facts of an event that is otherwise as it is, or for nil of
// a new one, by the rules of ReadEventFile. The event itself is not changed.
func (d *FactsDraft) On(e *convened.Event) *Drafted {
	f := form{}
	r := reading{doc: f, bad: map[string]bool{}, meant: map[string]bool{}, unknown: map[string]bool{}}
	if e != nil {
		r.event = *e
		r.file.Introduction, r.file.SignUp = written(e.Introduction), e.SignUp
	} else {
		r.file.Event = strings.TrimSpace(d.Slug)
		f.value("event", r.file.Event)
	}
	for _, t := range []struct {
		key  string
		text convened.Text
		into *words
	}{{"title", d.Title, &r.file.Title}, {"location", d.Location, &r.file.Location}, {"description", d.Description, &r.file.Description}} {
		f.texts(t.key, t.text)
		*t.into = written(t.text)
	}
	for _, v := range []struct {
		key, text string
		into      *string
	}{{"starts", d.Starts, &r.file.Starts}, {"ends", d.Ends, &r.file.Ends}, {"zone", d.Zone, &r.file.Zone}, {"language", d.Language, &r.file.Language},
		{"held_in", d.HeldIn, &r.file.HeldIn}, {"join_url", d.JoinURL, &r.file.JoinURL}, {"page_url", d.PageURL, &r.file.PageURL}, {"organizer.name", d.OrganizerName, &r.file.Organizer.Name},
		{"organizer.email", d.OrganizerEmail, &r.file.Organizer.Email}, {"logo", d.Logo, &r.file.Logo}, {"colour", d.Colour, &r.file.Colour}} {
		*v.into = strings.TrimSpace(v.text)
		if v.key != "colour" || *v.into != "" { // an empty one is none, and not a comment
			f.value(v.key, *v.into)
		}
	}
	if e == nil {
		r.identity()
	}
	r.facts()
	slices.SortStableFunc(r.problems, func(a, b Problem) int { return f[a.Key].order - f[b.Key].order })
	return &Drafted{Event: &r.event, Problems: r.problems}
}

// ShowNotice makes the letter in a language that would tell people of an edit; nil
// where it tells nobody. Its links lead nowhere.
func (d *Desk) ShowNotice(now time.Time, p *Proposal, language string) (*Preview, error) {
	if p.Notify == "" || d.Post == nil {
		return nil, nil
	}
	c := &convened.Claim{Event: *p.Event, Told: p.Was.Sequence, ThreadID: "preview@example.org"}
	c.Event.Revision++
	c.Event.Sequence++
	c.Event.SequencedAt = now
	// Nobody has this number: the links are there, and lead nowhere.
	c.Registration = convened.Registration{ID: -1, UID: "00000000-0000-4000-8000-000000000000", Event: p.Event.Slug, Email: "reader@example.org", Language: language,
		SeatedAt: now, SequencedAt: p.Was.SequencedAt, CreatedAt: now}
	c.Notice = convened.Notice{Registration: -1, Event: p.Event.Slug, Kind: p.Notify, Occasion: "1", Attempt: 1, Instant: p.DueAt, DueAt: p.DueAt}
	if p.Notify == convened.Update {
		was := *p.Was
		c.Was = &was
	}
	preview, _, err := d.show(latest(now, p.DueAt), c)
	return preview, err
}
