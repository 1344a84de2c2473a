package templates

import (
	"strings"
	"testing"
	"time"

	"convened"
)

// textOf renders and returns the text part with ordinary spaces, unwrapped.
func textOf(t testing.TB, s Sample) string {
	t.Helper()
	return squeezed(render(t, s).Text)
}

func wants(t *testing.T, what, in string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(in, w) {
			t.Errorf("%s lacks %q:\n%s", what, w, in)
		}
	}
}

func wantsNo(t *testing.T, what, in string, unwanted ...string) {
	t.Helper()
	for _, w := range unwanted {
		if strings.Contains(in, w) {
			t.Errorf("%s has %q:\n%s", what, w, in)
		}
	}
}

func TestTheReadersClockIsToldOnlyWhereItDiffers(t *testing.T) {
	for _, tt := range []struct {
		reader string
		yours  string
	}{
		{"Brussels", ""},
		{"Rabat", ""}, // UTC+1 as well, in November
		{"Mexico", "Your time 09:00–10:00, Mexico City time (UTC−6)"},
		{"Montréal", "Your time 10:00–11:00, Toronto time (UTC−5)"},
		{"Tokyo", "Your time Thursday 26 November 2026, 00:00–01:00, Tokyo time (UTC+9)"},
	} {
		got := textOf(t, letterTo(tt.reader, convened.ReminderKind, "en"))
		event := "When Wednesday 25 November 2026, 16:00–17:00, Brussels time (UTC+1)"
		wants(t, tt.reader, got, event)
		if tt.yours == "" {
			wantsNo(t, tt.reader, got, "Your time")
			continue
		}
		wants(t, tt.reader, got, tt.yours)
		if strings.Index(got, event) > strings.Index(got, tt.yours) {
			t.Errorf("%s: the event's zone does not come first", tt.reader)
		}
	}
}

func TestAClockThatChangesDuringTheEventIsTold(t *testing.T) {
	// In Brussels the clock goes back at 03:00 on 25 October; in Lagos it never does.
	s := sample(convened.ReminderKind, "en")
	e := &s.Claim.Event
	e.Starts, e.Ends = time.Date(2026, 10, 24, 23, 30, 0, 0, time.UTC), time.Date(2026, 10, 25, 2, 0, 0, 0, time.UTC)
	s.Claim.Registration.Zone = "Africa/Harare" // UTC+2, as Brussels is at the start
	wants(t, "the letter", textOf(t, s), "01:30–03:00, Brussels time (UTC+2)", "Your time 01:30–04:00, Harare time (UTC+2)")
}

func TestARegistrationsUnknownZoneIsTheEvents(t *testing.T) {
	for _, z := range []string{"", "CET", "Mars/Olympus", "../x"} {
		s := sample(convened.Confirmation, "en")
		s.Claim.Registration.Zone = z
		wantsNo(t, z, textOf(t, s), "Your time")
	}
}

func TestAnUnnamedReaderIsGreetedWithoutAName(t *testing.T) {
	for language, want := range map[string]string{"en": "\nHello,\n", "fr": "\nBonjour,\n", "es": "\nHola:\n"} {
		for _, name := range []string{"", " \t", "\u202e"} {
			s := sample(convened.Confirmation, language)
			s.Claim.Registration.Name = name
			if c := render(t, s); !strings.Contains(c.Text, want) {
				t.Errorf("%s, name %q: no %q in\n%s", language, name, want, c.Text)
			}
		}
	}
}

func TestALinkThatIsNotThereYetWillFollow(t *testing.T) {
	for language, want := range map[string]string{"en": "It will follow in a later e-mail.", "fr": "Le lien vous sera envoyé ultérieurement.", "es": "Se lo enviaremos más adelante."} {
		for _, kind := range convened.Kinds() {
			s := sample(kind, language)
			s.Claim.Event.JoinURL = ""
			got := textOf(t, s)
			if kind == convened.Cancellation || kind == convened.Followup {
				wantsNo(t, s.Name, got, want)
			} else {
				wants(t, s.Name, got, want)
			}
		}
	}
}

func TestWhatIsOverOffersNoLinkToJoinOrToCancel(t *testing.T) {
	for _, s := range []Sample{
		sample(convened.Cancellation, "en"), turned("seat given up", convened.Cancellation, "en"), sample(convened.Followup, "en"),
	} {
		c := render(t, s)
		for _, part := range []string{c.Text, c.HTML} {
			wantsNo(t, s.Name, part, "meet.example.org", "/cancel", "calendar.google.com", "outlook.live.com", "calendar.yahoo.com", "Join the event")
		}
	}
}

func TestAConfirmationSaysWhatAFoldedReminderWouldHaveSaid(t *testing.T) {
	for language, want := range map[string][]string{
		"en": {"The event starts in 40 minutes.", "Please try your sound."},
		"fr": {"L’événement commence dans 40 minutes.", "Pensez à essayer votre son."},
		"es": {"El evento comienza dentro de 40 minutos.", "Por favor, pruebe su sonido."},
	} {
		wants(t, language, textOf(t, turned("folded", convened.Confirmation, language)), want...)
	}
	wantsNo(t, "a confirmation that folds nothing", textOf(t, sample(convened.Confirmation, "en")), "starts in")
}

func TestAConfirmationAfterTheStartSaysThatItHasBegun(t *testing.T) {
	s := turned("under way", convened.Confirmation, "en")
	wants(t, "the letter", textOf(t, s), "The event is already under way, and you can join right now.")
	s.Claim.Event.JoinURL = ""
	wants(t, "without a link", textOf(t, s), "The event is already under way.")
}

func TestARepeatedConfirmationSaysThatItRepeats(t *testing.T) {
	for occasion, want := range map[string]string{"1": "your seat is reserved", "2": "here are the details once more", "17": "once more", "": "your seat is reserved"} {
		s := sample(convened.Confirmation, "en")
		s.Claim.Notice.Occasion = occasion
		wants(t, "occasion "+occasion, textOf(t, s), want)
	}
}

func TestTheTwoCancellationsAreDifferentLetters(t *testing.T) {
	for _, tt := range []struct{ language, off, seat string }{
		{"en", "this event will not take place", "your seat has been released"},
		{"fr", "cet événement n’aura pas lieu", "votre place, libérée"},
		{"es", "este evento no tendrá lugar", "su plaza ha quedado libre"},
	} {
		off, seat := textOf(t, sample(convened.Cancellation, tt.language)), textOf(t, turned("seat given up", convened.Cancellation, tt.language))
		wants(t, "the event is off", off, tt.off)
		wantsNo(t, "the event is off", off, tt.seat, "/r/")
		wants(t, "the seat is given up", seat, tt.seat, "https://convened.example.org/r/")
		wantsNo(t, "the seat is given up", seat, tt.off)
	}
}

func TestACancellationOfBothIsOfTheEvent(t *testing.T) {
	s := turned("seat given up", convened.Cancellation, "en")
	s.Claim.Event.Status = convened.EventIsOff
	wants(t, "the letter", textOf(t, s), "this event will not take place")
}

func TestTextsAreInTheReadersLanguageElseTheEventsElseAny(t *testing.T) {
	s := sample(convened.Confirmation, "es")
	e := &s.Claim.Event
	e.Title, e.Location, e.Description = convened.Text{"fr": "Titre", "en": "Title"}, convened.Text{"de": "Rathaus"}, convened.Text{"en": "English words."}
	c := render(t, s)
	wants(t, "the text", c.Text, "Titre", "Rathaus", "English words.", "Cuándo")
	wants(t, "the HTML", c.HTML, `<h1 style="margin:0 0 24px;font-size:26px;line-height:1.25;font-weight:700" dir="auto" lang="fr">Titre</h1>`,
		`<span dir="auto" lang="de">Rathaus</span>`, `<div dir="auto" lang="en">`)
}

func TestTheLetterIsInTheEventsLanguageForWhoNamedNone(t *testing.T) {
	for _, tt := range []struct{ reader, event, want string }{
		{"", "fr", "fr"}, {"de", "es", "es"}, {"ES-mx", "fr", "es"}, {"", "", "en"}, {"xx", "yy", "en"},
	} {
		s := sample(convened.Confirmation, tt.reader)
		s.Claim.Event.Language = tt.event
		if got := render(t, s).Language; got != tt.want {
			t.Errorf("reader %q, event %q: got %q, want %q", tt.reader, tt.event, got, tt.want)
		}
	}
}

func TestRightToLeftNamesAreSetApart(t *testing.T) {
	c := render(t, letterTo("Rabat", convened.ReminderKind, "fr"))
	wants(t, "the HTML", c.HTML, "Bonjour <bdi>فاطمة الزهراء</bdi>,")
	wants(t, "the text", c.Text, "Bonjour فاطمة الزهراء,")
}

func TestSubjectsAreCutBetweenWords(t *testing.T) {
	for _, tt := range []struct{ title, want string }{
		{"Internationalisation and metropolitan spaces", "Registration confirmed: Internationalisation and metropolitan spaces"},
		{"Internationalisation and metropolitan spaces of the world", "Registration confirmed: Internationalisation and metropolitan spaces of the…"},
		{strings.Repeat("é", 100), "Registration confirmed: " + strings.Repeat("é", 53) + "…"},
		{"A title, and a second clause, that is just so long as can be", "Registration confirmed: A title, and a second clause, that is just so long as…"},
	} {
		s := sample(convened.Confirmation, "en")
		s.Claim.Event.Title = convened.Text{"en": tt.title}
		if got := render(t, s).Subject; got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
	}
}

func TestASubjectKeepsSomethingOfTheTitle(t *testing.T) {
	for _, s := range Samples() {
		l := read(s.Now, s.Claim, s.Links).letter()
		if got, start := render(t, s).Subject, string([]rune(l.Title)[:8]); !strings.Contains(got, start) {
			t.Errorf("%s: %q holds nothing of %q", s.Name, got, l.Title)
		}
	}
}

func TestTheFrenchIsSetWithItsSpaces(t *testing.T) {
	for _, s := range Samples() {
		if s.Claim.Registration.Language != "fr" || strings.HasSuffix(s.Name, "hostile") {
			continue
		}
		c := render(t, s)
		for l := range strings.Lines(c.Text) {
			if strings.Contains(l, "://") || strings.Contains(l, "Des villes") || strings.Contains(l, "Modération") || strings.Contains(l, "ici :") {
				continue // what the organiser typed is theirs
			}
			for _, bad := range []string{" :", " ;", " !", " ?", "« ", " »", "l'e", "d'e", "n'a"} {
				if strings.Contains(l, bad) {
					t.Errorf("%s: %q in %q", s.Name, bad, l)
				}
			}
		}
	}
	wants(t, "the subject", render(t, sample(convened.Confirmation, "fr")).Subject, "Inscription confirmée\u202f: L'inter")
}

func TestALinkIsPromisedOnlyForAnEventOnTheNet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		place convened.Text
		want  bool
	}{
		{nil, true}, {convened.Text{"en": ""}, true}, {convened.Text{"fr": "En ligne", "en": "Online"}, true}, {convened.Text{"es": "Videoconferencia"}, true},
		{convened.Text{"en": "Google Meet"}, true}, {convened.Text{"en": "Meeting room 3, town hall"}, false}, {convened.Text{"fr": "Maison de la ville, salle 2"}, false},
	} {
		if got := c.place.Online(); got != c.want {
			t.Errorf("%v is online: %v, want %v", c.place, got, c.want)
		}
	}
}
