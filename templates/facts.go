package templates

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"convened"
)

// A reading is one rendering of one claim: the claim, and what every fact of
// its letter is told in.
type reading struct {
	now   time.Time
	claim *convened.Claim
	event *convened.Event
	links Links

	language string
	locale   *locale
	zone     *time.Location // the event's
	yours    *time.Location // the reader's
}

// read begins a reading.
func read(now time.Time, c *convened.Claim, l Links) *reading {
	language := convened.LetterLanguage(&c.Event, &c.Registration)
	r := &reading{
		now: now, claim: c, event: &c.Event, links: l,
		language: language, locale: localeOf[language],
	}
	r.zone = c.Event.TimeLocation()
	r.yours = c.Registration.TimeLocation(&c.Event)
	return r
}

// Facts gathers what a letter to this reader is told with, for pages that say
// the same in another form.
func Facts(now time.Time, c *convened.Claim, l Links) *Letter { return read(now, c, l).letter() }

// letter gathers the facts. Which of them a kind of letter should offer is
// decided here, once, and not in fifteen templates.
func (r *reading) letter() *Letter {
	c, e := r.claim, r.event
	l := &Letter{
		Kind: string(c.Notice.Kind), Language: r.language,
		Again: c.Notice.Kind == convened.Confirmation && again(c.Notice.Occasion),
		Name:  greeted(line(c.Registration.Name)),

		EventOff: e.Status == convened.EventIsOff,
		Begun:    !r.now.Before(e.Starts), Ended: !r.now.Before(e.Ends),
		Soon:   e.Starts.Sub(r.now) <= 24*time.Hour,
		Folded: c.Notice.Kind == convened.Confirmation && len(c.Folded) > 0,

		PageURL:   address(e.PageURL),
		Organizer: line(e.Organizer.Name), OrganizerEmail: line(e.Organizer.Email),
		Logo: secure(e.Logo), Colours: coloursOf(e.Colour),
	}
	// A cancellation of an event that does take place is of the seat.
	l.SeatGivenUp = !l.EventOff && (!c.Registration.CancelledAt.IsZero() || c.Notice.Kind == convened.Cancellation)
	l.Title, l.TitleLanguage = r.typedLine(e.Title)
	if l.Title == "" {
		l.Title = line(e.Slug)
	}
	l.Location, l.LocationLanguage = r.typedLine(e.Location)
	if e.HeldIn != "" {
		l.HeldIn = languageName(e.HeldIn, r.language)
	}
	r.times(l)
	r.offers(l)
	r.passages(l)
	switch c.Notice.Kind {
	case convened.Update:
		r.changes(l)
	case convened.Preflight:
		l.Trouble = r.trouble(l)
		return l // the organiser has reserved nothing
	}
	l.Reservation = r.reservation(l)
	return l
}

// again reports whether a confirmation's occasion, which is its count, is
// beyond the first.
func again(occasion string) bool {
	n, err := strconv.Atoi(occasion)
	return err == nil && n > 1
}

// times sets what there is to say about when.
func (r *reading) times(l *Letter) {
	e, loc := r.event, r.locale
	l.Starts, l.Ends = e.Starts.In(r.zone), e.Ends.In(r.zone)
	l.Date, l.Time, l.Zone = loc.dateOf(l.Starts), loc.hours(l.Starts, l.Ends), loc.zoneAt(l.Starts, r.zone)
	l.When = r.when(e, r.zone)
	l.YourWhen, l.YourDate, l.YourTime, l.YourZone = r.yourWhen(e, r.zone)
	l.Start = fmt.Sprintf("%s, %s, %s", l.Date, loc.clockOf(l.Starts), l.Zone)
	l.End = fmt.Sprintf("%s, %s, %s", loc.dateOf(l.Ends), loc.clockOf(l.Ends), loc.zoneAt(l.Ends, r.zone))
	yours := e.Starts.In(r.yours)
	l.YourStart = fmt.Sprintf("%s, %s, %s", loc.dateOf(yours), loc.clockOf(yours), loc.zoneAt(yours, r.yours))
	if !l.Ended {
		l.StartsIn = loc.startsIn(r.now, e.Starts, r.yours)
	}
}

// when tells when an event is, in its own zone.
func (r *reading) when(e *convened.Event, zone *time.Location) string {
	start, end := e.Starts.In(zone), e.Ends.In(zone)
	return fmt.Sprintf("%s, %s, %s", r.locale.dateOf(start), r.locale.hours(start, end), r.locale.zoneAt(start, zone))
}

// yourWhen tells it on the reader's clock, whole and in its parts: all "" where
// that clock reads as the event's, and the date only where that is another.
func (r *reading) yourWhen(e *convened.Event, zone *time.Location) (all, date, hours, name string) {
	if sameClock(e.Starts, e.Ends, zone, r.yours) {
		return "", "", "", ""
	}
	start, end := e.Starts.In(r.yours), e.Ends.In(r.yours)
	hours, name = r.locale.hours(start, end), r.locale.zoneAt(start, r.yours)
	all = hours + ", " + name
	if !sameDay(start, e.Starts.In(zone)) || !sameDay(end, e.Ends.In(zone)) {
		date = r.locale.dateOf(start)
		all = date + ", " + all
	}
	return all, date, hours, name
}

// offers sets the links that this kind of letter should offer.
func (r *reading) offers(l *Letter) {
	l.Links = Links{
		Manage: address(r.links.Manage), Cancel: address(r.links.Cancel), Unsubscribe: address(r.links.Unsubscribe),
		Google: address(r.links.Google), Outlook: address(r.links.Outlook), Yahoo: address(r.links.Yahoo),
	}
	if l.EventOff {
		l.Links.Manage = "" // there is nothing left to manage
	}
	if l.EventOff || l.SeatGivenUp || l.Ended || r.claim.Notice.Kind == convened.Followup {
		l.Links.Cancel, l.Links.Google, l.Links.Outlook, l.Links.Yahoo = "", "", "", ""
		return
	}
	l.Declined = !r.claim.Registration.DeclinedAt.IsZero() && l.Links.Cancel != ""
	l.JoinURL = address(r.event.JoinURL)
	l.JoinLater = l.JoinURL == "" && r.event.Location.Online()
}

// maxNotes bounds how many notes one confirmation takes over.
const maxNotes = 3

// passages sets what the organiser has to say, with the placeholders filled in
// from the facts set before.
func (r *reading) passages(l *Letter) {
	c := r.claim
	if k := c.Notice.Kind; k != convened.Cancellation && k != convened.Followup && k != convened.Preflight {
		if p := r.passage(r.event.Description, typedText); p != nil {
			l.Description = p
		}
	}
	fill := func(s string) Prose { return filled(s, l) }
	switch c.Notice.Kind {
	case convened.Confirmation:
		l.Introduction = r.passage(r.event.Introduction, fill)
		for _, key := range foldedKeys(c.Folded) {
			i := slices.IndexFunc(r.event.Reminders, func(rule convened.Reminder) bool { return rule.Key == key })
			if i < 0 || len(l.Notes) == maxNotes {
				continue
			}
			if p := r.passage(r.event.Reminders[i].Note, fill); p != nil {
				l.Notes = append(l.Notes, *p)
			}
		}
	case convened.ReminderKind, convened.Followup:
		if c.Reminder != nil {
			if p := r.passage(c.Reminder.Note, fill); p != nil {
				l.Notes = []Passage{*p}
			}
		}
	}
}

func typedText(s string) Prose { return typed(text(s)) }

// foldedKeys returns the rules of the occasions, each once.
func foldedKeys(folded []convened.Occasion) []string {
	var keys []string
	for _, o := range folded {
		if !slices.Contains(keys, o.Key) {
			keys = append(keys, o.Key)
		}
	}
	return keys
}

// passage chooses the language of a text and makes prose of it; nil for none.
func (r *reading) passage(t convened.Text, prose func(string) Prose) *Passage {
	s, language := t.InWith(r.language, r.event.Language)
	p := prose(s)
	if len(p) == 0 {
		return nil
	}
	return &Passage{Language: r.foreign(language), Prose: p}
}

// typedLine chooses the language of a text that stands in one line, and cleans it.
func (r *reading) typedLine(t convened.Text) (s, language string) {
	s, language = t.InWith(r.language, r.event.Language)
	return line(s), r.foreign(language)
}

// tag is what may stand in a lang attribute.
var tag = regexp.MustCompile(`^[a-z]{2,3}$`)

// foreign returns a language that has to be said because it is not the letter's.
func (r *reading) foreign(language string) string {
	if language == r.language || !tag.MatchString(language) {
		return ""
	}
	return language
}
