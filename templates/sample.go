package templates

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"convened"
)

// A Sample is a letter that could be: what the templates are rehearsed with,
// and what a preview shows before anybody has registered.
type Sample struct {
	Name  string // "confirmation fr: folded"
	Now   time.Time
	Claim *convened.Claim
	Links Links
}

// Samples returns letters of every kind in every language, for readers and
// events of every sort: with and without a name, a link, a place; moved and
// cancelled; on another day for the reader; with hostile names. Each call
// returns new ones.
func Samples() []Sample {
	var all []Sample
	for _, kind := range append(convened.Kinds(), convened.Preflight) {
		for _, language := range convened.Languages() {
			for _, t := range turns {
				if t.kinds != nil && !slices.Contains(t.kinds, kind) {
					continue
				}
				s := sample(kind, language)
				s.Name = fmt.Sprintf("%s %s: %s", kind, language, t.name)
				t.take(&s)
				all = append(all, s)
			}
		}
	}
	return all
}

// sample is an ordinary letter about an ordinary webinar.
func sample(kind convened.Kind, language string) Sample {
	brussels, err := time.LoadLocation("Europe/Brussels")
	if err != nil {
		panic(err) // the zones are part of the program
	}
	starts := time.Date(2026, time.November, 25, 16, 0, 0, 0, brussels)
	e := convened.Event{
		Slug: "internationalisation-metropolitan-spaces",
		Title: convened.Text{
			"fr": "L'internationalisation des espaces métropolitains",
			"en": "Internationalisation and metropolitan spaces",
			"es": "La internacionalización de los espacios metropolitanos",
		},
		Description: convened.Text{
			"en": "How can a city build a public policy of international action at the metropolitan level? Cities from three continents compare what they do.\n\n- Internationalisation and public policies\n- Cooperation and international strategies\n- Communication: a key element in legitimising public policies\n\nModerated by the Government of Mexico City, with Montréal, Rabat and the Brussels-Capital Region.",
			"fr": "Comment une ville bâtit-elle une politique publique d’action internationale à l’échelle métropolitaine ? Des villes de trois continents comparent ce qu’elles font.\n\n- Internationalisation et politiques publiques\n- Coopération et stratégies internationales\n- Communiquer pour légitimer les politiques publiques\n\nModération : gouvernement de la ville de Mexico, avec Montréal, Rabat et la Région de Bruxelles-Capitale.",
			"es": "¿Cómo construye una ciudad una política pública de acción internacional a escala metropolitana? Ciudades de tres continentes comparan lo que hacen.\n\n- Internacionalización y políticas públicas\n- Cooperación y estrategias internacionales\n- La comunicación como clave para legitimar las políticas públicas\n\nModera el Gobierno de la Ciudad de México, con Montreal, Rabat y la Región de Bruselas-Capital.",
		},
		Location: convened.Text{"fr": "En ligne", "en": "Online", "es": "En línea"},
		Language: "fr", HeldIn: "fr", Zone: "Europe/Brussels",
		StartsLocal: convened.WallOf(starts), EndsLocal: convened.WallOf(starts.Add(time.Hour)),
		Starts: starts.UTC(), Ends: starts.Add(time.Hour).UTC(),
		JoinURL: "https://meet.example.org/metropolitan-spaces?lang=fr&room=7", PageURL: "https://www.example.org/webinars/metropolitan-spaces",
		Organizer: convened.Organizer{Name: "Metropolis", Email: "events@example.org"},
		Status:    convened.Scheduled,
	}
	r := convened.Registration{
		ID: 4217, UID: "0192f3c8-6a5e-7c1d-9b40-3f2a1e5d7c86", Event: e.Slug,
		Email: "reader@example.net", Name: "Amélie Laurent", Language: language, Zone: "Europe/Brussels",
	}
	s := Sample{
		Now: starts.Add(-24 * time.Hour).UTC(),
		Claim: &convened.Claim{
			Notice: convened.Notice{ID: 90125, Registration: r.ID, Event: e.Slug, Kind: kind, Occasion: "1"},
			Event:  e, Registration: r,
		},
		Links: Links{
			Manage:      "https://convened.example.org/r/AAAAAQAAAAAAABB5qk3v7w2TqjQ",
			Cancel:      "https://convened.example.org/r/AAAAAQAAAAAAABB5qk3v7w2TqjQ/cancel",
			Unsubscribe: "https://convened.example.org/u/AAAAAQAAAAAAABB5qk3v7w2TqjQ",
			Google:      "https://calendar.google.com/calendar/render?action=TEMPLATE&text=Internationalisation%20and%20metropolitan%20spaces&dates=20261125T150000Z%2F20261125T160000Z",
			Outlook:     "https://outlook.live.com/calendar/0/action/compose?subject=Internationalisation%20and%20metropolitan%20spaces&startdt=2026-11-25T15%3A00%3A00Z&enddt=2026-11-25T16%3A00%3A00Z",
			Yahoo:       "https://calendar.yahoo.com/?v=60&title=Internationalisation%20and%20metropolitan%20spaces&st=20261125T150000Z&et=20261125T160000Z",
		},
	}
	switch kind {
	case convened.Confirmation:
		s.Now = starts.Add(-9*24*time.Hour - 5*time.Hour).UTC()
	case convened.ReminderKind:
		s.Claim.Reminder = &convened.Reminder{Key: "before 24h", Rule: "before 24h", Late: convened.Fold}
	case convened.Update:
		was := s.Claim.Event
		was.Starts, was.Ends = was.Starts.Add(-24*time.Hour), was.Ends.Add(-24*time.Hour)
		s.Claim.Was = &was
		s.Now = starts.Add(-6 * 24 * time.Hour).UTC()
	case convened.Cancellation:
		s.Claim.Event.Status = convened.EventIsOff
	case convened.Preflight:
		s.Now = starts.Add(-4 * time.Hour).UTC()
		s.Claim.Event.Language, s.Claim.Event.JoinURL, s.Links = language, "", Links{}
		s.Claim.Notice.Registration, s.Claim.Registration = 0, convened.Registration{Language: language}
		s.Claim.Trouble = &convened.Trouble{NoLink: true, Refused: 22,
			Bounced: []convened.RefusedOne{{Email: "amelie@exmaple.net", Words: "550 5.1.1 <amelie@exmaple.net>: Recipient address rejected"}, {Email: "jose.example.org", Words: "it has no @"}},
			Held:    []convened.Holding{{Event: e.Slug, Cause: convened.CauseFuse, Reason: "more than 20000 confirmations for this event within an hour", Notices: 5000}, {Event: e.Slug, Cause: convened.CauseBackfill, Reason: "copied from elsewhere", Notices: 1}},
			Poison:  1, PoisonError: "render reminder: reminder/fr.tmpl:3: there is no .Titel", Unsent: 17, UnsentSince: starts.Add(-7 * time.Hour), UnsentError: "451 4.3.0 try again later", Waiting: "the relay can't be reached"}
	case convened.Followup:
		s.Claim.Reminder = &convened.Reminder{Key: "after 2h", Rule: "after 2h", Template: "followup", Note: convened.Text{
			"en": "The recording and the slides are here: https://www.example.org/webinars/metropolitan-spaces/recording",
			"fr": "L’enregistrement et les diapositives sont ici : https://www.example.org/webinars/metropolitan-spaces/recording",
			"es": "La grabación y las diapositivas están aquí: https://www.example.org/webinars/metropolitan-spaces/recording",
		}}
		s.Now = starts.Add(3 * time.Hour).UTC()
	}
	return s
}

// turns are what makes a letter another than the ordinary one. No kinds is all
// of them.
var turns = []struct {
	name  string
	kinds []convened.Kind
	take  func(*Sample)
}{
	{"ordinary", nil, func(*Sample) {}},
	{"nobody by name", nil, func(s *Sample) { s.Claim.Registration.Name = "" }},
	{"another clock", nil, func(s *Sample) { s.Claim.Registration.Zone = "America/Mexico_City" }},
	{"another day", nil, func(s *Sample) { s.Claim.Registration.Zone = "Asia/Tokyo" }},
	{"nothing but a title", nil, func(s *Sample) {
		e := &s.Claim.Event
		e.Description, e.Location, e.HeldIn, e.JoinURL, e.PageURL = nil, nil, "", "", ""
		e.Organizer, s.Claim.Registration.Name, s.Claim.Reminder = convened.Organizer{}, "", nil
		s.Links = Links{Cancel: s.Links.Cancel, Unsubscribe: s.Links.Unsubscribe}
	}},
	{"no links", nil, func(s *Sample) { s.Links = Links{} }},
	{"over two days", nil, func(s *Sample) { s.Claim.Event.Ends = s.Claim.Event.Starts.Add(25 * time.Hour) }},
	{"a colour and a logo", nil, func(s *Sample) {
		s.Claim.Event.Colour, s.Claim.Event.Logo = "#f5c211", "https://www.example.org/logo.png"
	}},
	{"other people's languages", nil, func(s *Sample) {
		e := &s.Claim.Event
		e.Title, e.Language, e.HeldIn = convened.Text{"ar": "تدويل الفضاءات الحضرية"}, "ar", "ar"
		e.Location, e.Description = convened.Text{"ja": "東京都庁"}, convened.Text{"ar": "ندوة مجانية ومفتوحة للجميع."}
		s.Claim.Registration.Name = "فاطمة الزهراء"
	}},
	{"long", nil, func(s *Sample) {
		s.Claim.Event.Title = convened.Text{"en": strings.Repeat("Internationalisation of metropolitan spaces ", 12)}
		s.Claim.Event.Description = convened.Text{"en": strings.Repeat("Lorem ipsum dolor sit amet. ", 400)}
		s.Claim.Registration.Name = strings.Repeat("Wolfeschlegelstein", 12)
	}},
	{"hostile", nil, func(s *Sample) {
		s.Claim.Registration.Name = "</script><script>alert(1)</script>\r\nBcc: all@example.org \u202egnp.exe"
		s.Claim.Event.Title = convened.Text{"en": `"><img src=x onerror=alert(1)> {{.Name}} ` + "\r\nBcc: x@example.org\u2067"}
		s.Claim.Event.Location = convened.Text{"en": "'-alert(1)-' <!-- ]]> \\u003c"}
		s.Claim.Event.Description = convened.Text{"en": "<b>bold</b>\n\njavascript:alert(1) https://x.example/\"onclick=\"alert(1)"}
		s.Claim.Event.JoinURL, s.Claim.Event.PageURL = "javascript:alert(1)", "https://x.example/\"><b>"
		s.Claim.Event.Colour, s.Claim.Event.Logo = "red;}</style>", "data:image/png;base64,AA=="
		s.Claim.Registration.Zone, s.Claim.Event.HeldIn = "../../etc/passwd", "<i>"
	}},
	{"said no in a calendar", nil, func(s *Sample) { s.Claim.Registration.DeclinedAt = s.Now.Add(-time.Hour) }},

	{"only a link", []convened.Kind{convened.Preflight}, func(s *Sample) { s.Claim.Trouble = &convened.Trouble{NoLink: true} }},
	{"one of each", []convened.Kind{convened.Preflight}, func(s *Sample) {
		s.Claim.Trouble = &convened.Trouble{Refused: 1, Bounced: []convened.RefusedOne{{Email: "a@example.org"}},
			Held:   []convened.Holding{{Cause: convened.CauseOver, Notices: 1}, {Cause: convened.CauseRecipient, Notices: 2}, {Cause: convened.CauseDoubt, Notices: 3}, {Cause: "other", Reason: "for a reason of its own", Notices: 1}},
			Poison: 2, Unsent: 1, UnsentSince: s.Now.Add(-26 * time.Hour)}
	}},
	{"hostile words", []convened.Kind{convened.Preflight}, func(s *Sample) {
		t := s.Claim.Trouble
		t.Bounced = []convened.RefusedOne{{Email: "</li><script>alert(1)</script>@example.org\r\nBcc: all@example.org", Words: "550 \u202egnp.exe <b> \r\n\r\n. https://phish.example"}}
		t.PoisonError, t.UnsentError, t.Waiting = "<img src=x onerror=alert(1)>", strings.Repeat("451 later ", 400), "\x00\x1b[31m"
	}},

	{"again", []convened.Kind{convened.Confirmation}, func(s *Sample) { s.Claim.Notice.Occasion = "2" }},
	{"introduced", []convened.Kind{convened.Confirmation}, func(s *Sample) {
		s.Claim.Event.Introduction = convened.Text{"en": "Dear {name},\n\nwe look forward to seeing you {starts_in}: {title}."}
	}},
	{"folded", []convened.Kind{convened.Confirmation}, func(s *Sample) {
		s.Now = s.Claim.Event.Starts.Add(-40 * time.Minute)
		s.Claim.Event.Reminders = []convened.Reminder{{Key: "before 1h", Rule: "before 1h", Late: convened.Fold,
			Note: convened.Text{"en": "Please try your sound.", "fr": "Pensez à essayer votre son.", "es": "Por favor, pruebe su sonido."}}}
		s.Claim.Folded = []convened.Occasion{{Key: "before 1h", Start: s.Claim.Event.Starts, Ordinal: 1, At: s.Claim.Event.Starts.Add(-time.Hour)}}
	}},
	{"under way", []convened.Kind{convened.Confirmation}, func(s *Sample) { s.Now = s.Claim.Event.Starts.Add(5 * time.Minute) }},
	{"within the hour", []convened.Kind{convened.ReminderKind}, func(s *Sample) { s.Now = s.Claim.Event.Starts.Add(-time.Hour) }},
	{"with a note", []convened.Kind{convened.ReminderKind}, func(s *Sample) {
		s.Claim.Reminder.Note = convened.Text{"en": "{name}, please join five minutes early:\n{join_url}"}
	}},
	{"everything changed", []convened.Kind{convened.Update}, func(s *Sample) {
		was := s.Claim.Was
		was.Title, was.Location = convened.Text{"en": "Cities abroad"}, convened.Text{"en": "Rue de la Loi 155, Brussels"}
		was.JoinURL, was.Zone = "", "America/Mexico_City"
	}},
	{"another title", []convened.Kind{convened.Update}, func(s *Sample) { as(s).Title = convened.Text{"en": "Cities abroad"} }},
	{"another place", []convened.Kind{convened.Update}, func(s *Sample) { as(s).Location = nil }},
	{"another link", []convened.Kind{convened.Update}, func(s *Sample) { as(s).JoinURL = "https://meet.example.org/old" }},
	{"a first link", []convened.Kind{convened.Update}, func(s *Sample) { as(s).JoinURL = "" }},
	{"nothing known of before", []convened.Kind{convened.Update}, func(s *Sample) { s.Claim.Was = nil }},
	{"nothing changed", []convened.Kind{convened.Update}, func(s *Sample) { as(s) }},
	{"seat given up", []convened.Kind{convened.Cancellation}, func(s *Sample) {
		s.Claim.Event.Status, s.Claim.Registration.CancelledAt = convened.Scheduled, s.Now
	}},
}

// as makes the event before an update the same as after it, for a turn to
// change one thing.
func as(s *Sample) *convened.Event {
	was := s.Claim.Event
	s.Claim.Was = &was
	return &was
}
