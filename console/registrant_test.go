package console

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
	"convened/store"
)

const origin = "https://events.example.org"

func TestThePageSaysWhatOneIsRegisteredForInTheLettersWords(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	s.ana()
	for _, tt := range []struct {
		email, language, zone string
		want                  []string
	}{
		{"ana@example.net", "en", "America/Mexico_City", []string{
			`<html lang="en"`, "Internationalisation and metropolitan spaces", "The event starts in 5 days.",
			"Wednesday 25 November 2026, 16:00–17:00, Brussels time (UTC+1)", "09:00–10:00, Mexico City time (UTC−6)",
			"French", "Online", "Ana Díaz", "How do cities act abroad?", "<li>Policies</li>", `href="https://www.example.org/more"`, "Cancel your registration"}},
		{"zoe@example.net", "", "", []string{
			`<html lang="fr"`, "L'internationalisation des espaces métropolitains", "L’événement commence dans 5 jours.",
			"mercredi 25 novembre 2026, 16 h 00 – 17 h 00, heure de Bruxelles (UTC+1)", "français", "En ligne", "Annuler votre inscription"}},
		{"jose@example.net", "es-MX", "Asia/Tokyo", []string{
			`<html lang="es"`, "La internacionalización de los espacios metropolitanos", "El evento comienza dentro de 5 días.",
			"miércoles 25 de noviembre de 2026", "jueves 26 de noviembre de 2026, 00:00–01:00, hora de Tokio (UTC+9)", "francés", "En línea", "Cancelar su inscripción"}},
	} {
		link := s.register(store.Entry{Email: tt.email, Name: "Ana Díaz", Language: tt.language, Zone: tt.zone})
		got := s.get(link, "Accept-Language", "de")
		if got.status != http.StatusOK {
			t.Fatalf("%s: %d", tt.email, got.status)
		}
		wants(t, tt.email, got.said(), tt.want...)
		wants(t, tt.email, got.body, `href="/r/`, `/join"`, `/invite.ics"`, "calendar.google.com", "outlook.live.com", "calendar.yahoo.com",
			`href="https://www.example.org/webinars/7"`, `href="mailto:events@example.org"`)
		// Neither the address of the person nor the link to join is in the page.
		wantsNo(t, tt.email, got.body, tt.email, "meet.example.org/join?room=7&amp;lang=fr\"")
		if yours := strings.Contains(got.body, "Chez vous"); tt.zone == "" && yours {
			t.Error("who is in the event's zone is told the time twice")
		}
	}
}

// routes are the pages and actions behind a link.
var routes = []string{"", "/u", "/unsubscribe", "/cancel", "/mute", "/unmute", "/choices", "/invite.ics", "/join"}

func TestAGETChangesNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	muted := s.register(store.Entry{Email: "bo@example.net"})
	if a := s.post(muted+"/mute", ""); a.status != http.StatusSeeOther {
		t.Fatalf("muting: %d", a.status)
	}
	before := s.everything()
	for _, page := range []string{link, muted} {
		for _, route := range routes {
			url := page + route
			if route == "/u" {
				url = outOf(page)
			}
			for _, query := range []string{"", "?done=cancelled", "?List-Unsubscribe=One-Click", "?_method=POST&language=es&zone=UTC"} {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					if a := s.do(method, url+query, "", "X-HTTP-Method-Override", "POST"); a.status >= 400 {
						t.Errorf("%s %s: %d", method, route+query, a.status)
					}
				}
			}
		}
	}
	if after := s.everything(); after != before {
		t.Errorf("after every GET:\n%s\nbefore:\n%s", after, before)
	}
}

func TestWhoMutesKeepsTheSeatAndGetsNoReminder(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link, other := s.ana(), s.register(store.Entry{Email: "bo@example.net"})
	wants(t, "before", s.get(link).body, "Stop the reminders")

	if a := s.post(link+"/mute", ""); a.status != http.StatusSeeOther || a.leads(link[len(origin):]) != "?done=muted" {
		t.Fatalf("muting: %d to %s", a.status, a.header.Get("Location"))
	}
	after := s.get(link + "?done=muted").body
	wants(t, "after", after, "The reminders are stopped. You keep your seat.", "Send reminders again", "<title>The reminders are stopped")
	s.post(other+"/mute", "")
	if a := s.post(other+"/unmute", ""); a.leads(other[len(origin):]) != "?done=unmuted" {
		t.Errorf("unmuting: %d to %s", a.status, a.header.Get("Location"))
	}
	wants(t, "unmuted", s.get(other+"?done=unmuted").body, "Vous recevrez de nouveau des rappels.", "Ne plus recevoir de rappels")

	s.at(starts.Add(-24 * time.Hour))
	s.at(starts.Add(4 * time.Hour))
	if got := s.kinds("ana@example.net"); got != "confirmation" {
		t.Errorf("who is muted got %s", got)
	}
	if got := s.kinds("bo@example.net"); got != "confirmation, reminder, followup" {
		t.Errorf("who is not muted any more got %s", got)
	}
	if s.woken == 0 {
		t.Error("nobody was told that something has changed")
	}
}

func TestWhoCancelsGetsACancellationAndIsToldHowToComeBack(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	ask := s.get(link + "/cancel")
	wants(t, "the question", ask.body, "Cancel your registration?", "Internationalisation and metropolitan spaces", `method="post"`, "No, keep my seat")

	for i := range 2 {
		a := s.post(link+"/cancel", "")
		if want := []string{"?done=cancelled", ""}[i]; a.status != http.StatusSeeOther || a.leads(link[len(origin):]) != want {
			t.Fatalf("cancelling, time %d: %d to %s", i+1, a.status, a.header.Get("Location"))
		}
		s.at(s.clock())
	}
	if got := s.kinds("ana@example.net"); got != "confirmation, cancellation" {
		t.Errorf("got %s", got)
	}
	after := s.get(link + "?done=cancelled").body
	wants(t, "after", after, "Registration cancelled", "Your seat has been released", "Changed your mind?", `<a href="https://www.example.org/webinars/7" rel="noreferrer">Register again on the event page</a>`)
	wantsNo(t, "after", after, "/join", "/invite.ics", "/cancel", "<form", "calendar.google.com")

	// Without a page there is somebody to write to, and without an address the first way.
	s.apply("page_url: https://www.example.org/webinars/7\n", "")
	wants(t, "without a page", s.get(link).body, `<a href="mailto:events@example.org">Write to the organiser</a>`)
	s.apply("page_url: https://www.example.org/webinars/7\n", "", "organizer: {name: Metropolis, email: events@example.org}", "organizer: {name: Metropolis}")
	wants(t, "without an address", s.get(link).body, "Register again in the same way as the first time.")

	// Who comes back has the same link, and it is as before.
	if again := s.ana(); again != link {
		t.Errorf("the link was %s and is %s", link, again)
	}
	wants(t, "who came back", s.get(link).body, "You are registered", "/cancel")
}

func TestAChoiceHoldsForThePageAndForLaterLetters(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	page := s.get(link).said()
	wants(t, "the form", page, `<option value="en" lang="en" selected>English</option>`, `<option value="America/Mexico_City" selected>Mexico City (UTC−6)`,
		`<option value="">As the event: Brussels time (UTC+1)`, `<optgroup label="Indian Ocean">`, `<option value="Asia/Kolkata">Kolkata (UTC+5:30)`)
	if n := strings.Count(page, " selected>"); n != 2 {
		t.Errorf("%d options are chosen, want 2", n)
	}

	if a := s.post(link+"/choices", "language=es&zone=Asia%2FTokyo"); a.status != http.StatusSeeOther || a.leads(link[len(origin):]) != "?done=saved" {
		t.Fatalf("choosing: %d to %s", a.status, a.header.Get("Location"))
	}
	wants(t, "the page", s.get(link+"?done=saved").body, `<html lang="es"`, "Su elección se ha guardado.", "hora de Tokio", `value="Asia/Tokyo" selected`)
	s.at(s.clock().Add(time.Hour))
	if got := s.kinds("ana@example.net"); got != "confirmation" {
		t.Errorf("after a choice she got %s", got)
	}
	s.at(starts.Add(-24 * time.Hour))
	letters := s.received("ana@example.net")
	wants(t, "the reminder", string(letters[len(letters)-1].Data), "Content-Language: es", "Tokio")

	if a := s.post(link+"/choices", "language=fr&zone="); a.status != http.StatusSeeOther {
		t.Errorf("the event's zone: %d", a.status)
	}
	if r := s.seat("ana@example.net"); r.Language != "fr" || r.Zone != "" {
		t.Errorf("the seat has language %q and zone %q", r.Language, r.Zone)
	}
}

func TestAChoiceThatNoFormOffersChangesNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	before := s.everything()
	for _, form := range []string{"", "language=en", "language=de&zone=UTC", "language=&zone=UTC", "language=en&zone=CET", "language=en&zone=Europe/Atlantis",
		"language=en&zone=../../etc/passwd", "zone=UTC", "%zz", "language=en&zone=Local"} {
		if a := s.post(link+"/choices", form); a.status != http.StatusBadRequest && form != "language=en" {
			t.Errorf("%q: %d", form, a.status)
		}
		if form == "language=en" {
			s.post(link+"/choices", "language=en&zone=America/Mexico_City") // as it was
		}
	}
	if after := s.everything(); after != before {
		t.Errorf("after\n%s\nbefore\n%s", after, before)
	}
}

func TestAZoneUnderAnOlderNameStaysChosen(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	for zone, want := range map[string]string{
		"US/Eastern": `<option value="US/Eastern" selected>New York time`, "UTC": `<option value="UTC" selected>`,
		"CET": `<option value="">`, "nonsense": `<option value="">`, "Asia/Calcutta": `<option value="Asia/Calcutta" selected>Kolkata time`,
	} {
		link := s.register(store.Entry{Email: strings.ToLower(strings.ReplaceAll(zone, "/", ".")) + "@example.net", Language: "en", Zone: zone})
		body := s.get(link).body
		wants(t, zone, body, want)
		n := 2
		if zone == "CET" || zone == "nonsense" {
			n = 1 // the first is the event's
		}
		if got := strings.Count(body, " selected>"); got != n {
			t.Errorf("%s: %d options are chosen, want %d", zone, got, n)
		}
	}
}

func TestJoinFollowsTheLinkAsItIsNow(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	const first = "join_url: https://meet.example.org/join?room=7&lang=fr\n"
	for _, tt := range []struct {
		line, want string
	}{
		{first, "https://meet.example.org/join?room=7&lang=fr"},
		{"join_url: https://other.example.com/new#room\n", "https://other.example.com/new#room"},
		{"", ""},
	} {
		if tt.line != first {
			s.apply(first, tt.line)
		}
		a := s.get(link + "/join?next=https://evil.example/&url=https://evil.example/")
		if tt.want == "" {
			if a.status != http.StatusOK {
				t.Errorf("without a link: %d to %s", a.status, a.header.Get("Location"))
			}
			wants(t, "without a link", a.body, "The link is not here yet", "As soon as the organiser has given it", "Wednesday 25 November 2026")
			wants(t, "the page without a link", s.get(link).body, "The link to join will follow in a later e-mail, and will appear here.")
			continue
		}
		if a.status != http.StatusFound || a.header.Get("Location") != tt.want {
			t.Errorf("%q: %d to %s", tt.line, a.status, a.header.Get("Location"))
		}
	}
	// An event in a hall has no link, and none will come.
	s.apply(first, "", `location: {fr: "En ligne", en: "Online", es: "En línea"}`, "location: 12 High Street, Brussels")
	wants(t, "an event in a hall", s.get(link+"/join").body, "This event has no link to join.", "12 High Street, Brussels")
	// What no event file would take leads nowhere.
	for _, bad := range []string{"javascript:alert(1)", "//evil.example/x", "data:text/html,x", "ftp://example.org/", "https:///x", "/etc/passwd"} {
		s.sql(`UPDATE convened.events SET join_url = '` + bad + `', revision = revision + 1`)
		if a := s.get(link + "/join"); a.status != http.StatusOK || a.header.Get("Location") != "" {
			t.Errorf("%s: %d to %q", bad, a.status, a.header.Get("Location"))
		}
	}
}

func TestTheFileIsTheInvitationOfTheLetterToPublish(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	a := s.get(link + "/invite.ics")
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "text/calendar; charset=utf-8; method=PUBLISH" || !strings.Contains(a.header.Get("Content-Disposition"), `filename="invite.ics"`) {
		t.Fatalf("got %d, %v", a.status, a.header)
	}
	want := lines(calendarOf(t, s.received("ana@example.net")[0].Data))
	want[slices.Index(want, "METHOD:REQUEST")] = "METHOD:PUBLISH"
	want = slices.DeleteFunc(want, func(l string) bool { return strings.HasPrefix(l, "ATTENDEE") })
	if got := lines(a.body); !slices.Equal(got, want) {
		t.Errorf("the file is\n%s\nthe letter has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	wantsNo(t, "the file", a.body, "ana@example.net", "Ana")

	// It follows the event.
	s.apply("starts: 2026-11-25 16:00", "starts: 2026-11-25 15:30")
	wants(t, "after a move", s.get(link+"/invite.ics").body, "SEQUENCE:1", "T153000")
}

func TestEachStateOffersWhatStillMakesSense(t *testing.T) {
	t.Parallel()
	type state struct {
		name    string
		prepare func(s *stage, link string)
		page    []string // what the page says
		not     []string
		get     string // what GET answers for: "" unsubscribe cancel invite.ics join
		mail    string // what followed to ana, with the confirmation
	}
	cancel := func(s *stage, link string) { s.post(link+"/cancel", ""); s.at(s.clock()) }
	off := func(s *stage, _ string) {
		p, err := s.desk.ProposeCancel(s.t.Context(), s.clock(), "webinar")
		if err == nil {
			_, err = s.desk.Carry(s.t.Context(), s.clock(), p)
		}
		if err != nil {
			s.t.Fatal(err)
		}
		s.at(s.clock())
	}
	for _, tt := range []state{
		{"registered", func(*stage, string) {}, []string{"You are registered", "Join the event", "Stop the reminders", "Save", "/cancel\""}, nil,
			"200 200 200 200 302", "confirmation"},
		{"under way", func(s *stage, _ string) { s.at(starts.Add(10 * time.Minute)) }, []string{"Under way", "you can join right now", "/cancel\"", "Stop the reminders"}, nil,
			"200 200 200 200 302", "confirmation, reminder"},
		{"over, with a follow-up to come", func(s *stage, _ string) { s.at(ends.Add(time.Minute)) }, []string{"This event is over", "You may get one more e-mail", "No more e-mails", "Save"}, []string{"/join\"", "/cancel\"", "invite.ics"},
			"200 200 303 303 303", "confirmation, reminder"},
		{"over", func(s *stage, _ string) { s.at(ends.Add(24 * time.Hour)) }, []string{"This event is over"}, []string{"/join\"", "/cancel\"", "invite.ics", "<form"},
			"200 200 303 303 303", "confirmation, reminder, followup"},
		{"given up", cancel, []string{"Registration cancelled", "Changed your mind?"}, []string{"/join\"", "/cancel\"", "invite.ics", "<form"},
			"200 200 303 303 303", "confirmation, cancellation"},
		{"off", off, []string{"Event cancelled", "this event will not take place"}, []string{"/join\"", "/cancel\"", "invite.ics", "<form", "Changed your mind?"},
			"200 200 303 303 303", "confirmation, cancellation"},
		{"given up and off", func(s *stage, link string) { cancel(s, link); off(s, link) }, []string{"Event cancelled"}, []string{"<form"},
			"200 200 303 303 303", "confirmation, cancellation"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, origin)
			s.apply()
			link := s.ana()
			s.at(early.Add(time.Minute))
			if strings.HasPrefix(tt.name, "over") || tt.name == "under way" {
				s.at(starts.Add(-24 * time.Hour))
			}
			tt.prepare(s, link)
			page := s.get(link).body
			wants(t, "the page", page, tt.page...)
			wantsNo(t, "the page", page, tt.not...)
			var got []string
			for _, route := range []string{"", "/unsubscribe", "/cancel", "/invite.ics", "/join"} {
				a := s.get(link + route)
				got = append(got, http.StatusText(a.status))
				if a.status == http.StatusSeeOther && a.leads(origin) != link[len(origin):] && a.header.Get("Location") != link[len(origin):] {
					t.Errorf("%s leads to %s", route, a.header.Get("Location"))
				}
			}
			var want []string
			for code := range strings.FieldsSeq(tt.get) {
				want = append(want, map[string]string{"200": "OK", "302": "Found", "303": "See Other"}[code])
			}
			if !slices.Equal(got, want) {
				t.Errorf("GET answers %q, want %q", got, want)
			}
			if got := s.kinds("ana@example.net"); got != tt.mail {
				t.Errorf("she got %s, want %s", got, tt.mail)
			}

			// What is not offered is not done.
			before := s.seat("ana@example.net")
			for _, route := range []string{"/unmute", "/choices", "/cancel"} {
				offered := map[string]string{"/unmute": `/mute"`, "/choices": "Save", "/cancel": `/cancel"`}[route]
				if strings.Contains(page, offered) {
					continue
				}
				a := s.post(link+route, "language=es&zone=UTC")
				if a.status != http.StatusSeeOther || a.header.Get("Location") != link[len(origin):] {
					t.Errorf("POST %s: %d to %s", route, a.status, a.header.Get("Location"))
				}
			}
			if after := s.seat("ana@example.net"); *after != *before {
				t.Errorf("the seat was %+v and is %+v", before, after)
			}
			// But reminders can be stopped at any time.
			if a := s.do(http.MethodPost, outOf(link), "List-Unsubscribe=One-Click"); a.status != http.StatusOK || s.seat("ana@example.net").MutedAt.IsZero() {
				t.Errorf("the one click: %d", a.status)
			}
		})
	}
}

func TestWhoDeclinedInACalendarIsToldThatTheSeatIsStillThere(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	wantsNo(t, "before", s.get(link).body, "In your calendar you declined")
	s.sql(`UPDATE convened.registrations SET declined_at = now()`)
	wants(t, "after", s.get(link).body, "In your calendar you declined the invitation. Your seat is still reserved", "/cancel\"")
}

func TestWhatWasDoneIsSaidOnlyWhereItIsSo(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	plain := s.get(link).body
	for _, done := range []string{"muted", "cancelled", "anything", "<script>", "muted&done=unmuted"} {
		if got := s.get(link + "?done=" + done).body; got != plain {
			t.Errorf("?done=%s says something", done)
		}
	}
}

func TestLinksOutliveARotationOfTheKeys(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	old := s.ana()
	s.sql(`INSERT INTO convened.keys (secret) VALUES (decode(repeat('ab', 32), 'hex')); UPDATE convened.keys SET retired_at = now() WHERE id = 1`)
	keys, err := s.store.Keys(t.Context())
	if err != nil || len(keys) != 2 || keys[0].ID == 1 {
		t.Fatalf("keys: %v, %v", keys, err)
	}
	s.compose(keys) // as a daemon that started after it
	renewed := s.register(store.Entry{Email: "bo@example.net"})
	for what, link := range map[string]string{"old": old, "new": renewed} {
		if a := s.get(link); a.status != http.StatusOK {
			t.Errorf("the %s link after the rotation: %d", what, a.status)
		}
	}
	if keys.Token(s.seat("ana@example.net").ID) == old[len(origin)+3:] {
		t.Error("the rotation changed nothing: this test shows nothing")
	}
	s.sql(`DELETE FROM convened.keys WHERE id = 1`)
	if a := s.get(old); a.status != http.StatusNotFound {
		t.Errorf("the old link without its key: %d", a.status)
	}
}

// A page of an event of nobody's language is in English, and the texts say which
// language they are in.
func TestTextsOfAnotherLanguageSaySo(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply("title: {fr: \"L'internationalisation des espaces métropolitains\", en: \"Internationalisation and metropolitan spaces\", es: \"La internacionalización de los espacios metropolitanos\"}", "title: Titre", `location: {fr: "En ligne", en: "Online", es: "En línea"}`, "location: En ligne")
	body := s.get(s.ana()).body
	wants(t, "the page", body, `<h1><span dir="auto" lang="fr">Titre</span></h1>`, `<span dir="auto" lang="fr">En ligne</span>`)
	for _, l := range convened.Languages() {
		wants(t, "the choice", body, `lang="`+l+`"`)
	}
}
