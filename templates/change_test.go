package templates

import (
	"testing"
	"time"

	"convened"
)

// updated is an update of which only what change does is another.
func updated(language string, change func(was, now *convened.Event)) Sample {
	s := sample(convened.Update, language)
	change(as(&s), &s.Claim.Event)
	return s
}

func TestAnUpdateShowsOldAndNew(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(was, now *convened.Event)
		subject string
		text    []string
		silent  []string // what did not change is not said to
	}{
		{"another day", func(was, _ *convened.Event) {
			was.Starts, was.Ends = was.Starts.AddDate(0, 0, -6), was.Ends.AddDate(0, 0, -6)
		},
			"Now 25 Nov, 16:00 (was 19 Nov, 16:00): Internationalisation and metropolitan…",
			[]string{"When Now Wednesday 25 November 2026, 16:00–17:00, Brussels time (UTC+1) Before Thursday 19 November 2026, 16:00–17:00, Brussels time (UTC+1)"},
			[]string{"Where Now", "Title Now", "Link to join Now"}},
		{"another hour", func(was, _ *convened.Event) {
			was.Starts, was.Ends = was.Starts.Add(-time.Hour), was.Ends.Add(-time.Hour)
		},
			"Now 25 November, 16:00 (was 15:00): Internationalisation and metropolitan…",
			[]string{"Now Wednesday 25 November 2026, 16:00–17:00, Brussels time (UTC+1) Before Wednesday 25 November 2026, 15:00–16:00, Brussels time (UTC+1)"}, nil},
		{"another end", func(was, _ *convened.Event) { was.Ends = was.Ends.Add(30 * time.Minute) },
			"Now 25 November, 16:00–17:00 (was 16:00–17:30): Internationalisation and…",
			[]string{"16:00–17:00, Brussels time (UTC+1) Before Wednesday 25 November 2026, 16:00–17:30"}, nil},
		{"another year", func(was, _ *convened.Event) {
			was.Starts, was.Ends = was.Starts.AddDate(-1, 0, 0), was.Ends.AddDate(-1, 0, 0)
		},
			"Now 25 Nov 2026, 16:00 (was 25 Nov 2025, 16:00): Internationalisation and…", []string{"Before Tuesday 25 November 2025"}, nil},
		{"another zone, the same wall", func(was, _ *convened.Event) {
			was.Zone, was.Starts, was.Ends = "Europe/London", was.Starts.Add(time.Hour), was.Ends.Add(time.Hour)
		}, "Now 25 Nov, 16:00 UTC+1 (was 16:00 UTC+0): Internationalisation and…",
			[]string{"16:00–17:00, Brussels time (UTC+1) Before Wednesday 25 November 2026, 16:00–17:00, London time (UTC+0) Your time: 17:00–18:00, Brussels time (UTC+1)"}, nil},
		{"another zone of the same offset", func(was, _ *convened.Event) { was.Zone = "Europe/Paris" },
			"Now Brussels time (UTC+1) (was Paris time (UTC+1)): Internationalisation and…",
			[]string{"Before Wednesday 25 November 2026, 16:00–17:00, Paris time (UTC+1)"}, nil},
		{"another title", func(was, _ *convened.Event) { was.Title = convened.Text{"en": "Cities abroad"} },
			"New title: Internationalisation and metropolitan spaces",
			[]string{"Title Now Internationalisation and metropolitan spaces Before Cities abroad"}, []string{"When Now"}},
		{"another place", func(was, now *convened.Event) {
			was.Location, now.Location = convened.Text{"en": "Online"}, convened.Text{"en": "Rue de la Loi 155, 1040 Brussels, Belgium"}
		}, "New place, Rue de la Loi 155, 1040…: Internationalisation and metropolitan…",
			[]string{"Where Now Rue de la Loi 155, 1040 Brussels, Belgium Before Online"}, []string{"When Now"}},
		{"a place no more", func(_, now *convened.Event) { now.Location = nil },
			"Place changed: Internationalisation and metropolitan spaces", []string{"Where Now not given Before Online"}, nil},
		{"another link", func(was, _ *convened.Event) { was.JoinURL = "https://meet.example.org/old" },
			"New link to join: Internationalisation and metropolitan spaces",
			[]string{"Link to join Now https://meet.example.org/metropolitan-spaces?lang=fr&room=7 Before https://meet.example.org/old"}, nil},
		{"a first link", func(was, _ *convened.Event) { was.JoinURL = "" },
			"Link to join: Internationalisation and metropolitan spaces", []string{"room=7 Before not given"}, nil},
		{"nothing that this reader sees", func(was, now *convened.Event) {
			now.Title = convened.Text{"en": now.Title["en"], "es": "Otro"}
		}, "Current details: Internationalisation and metropolitan spaces", []string{"Here are the current details"}, []string{"Now ", "Before "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := updated("en", tt.change)
			if got := render(t, s).Subject; got != tt.subject {
				t.Errorf("subject\ngot  %q\nwant %q", got, tt.subject)
			}
			got := textOf(t, s)
			wants(t, "the letter", got, tt.text...)
			wantsNo(t, "the letter", got, tt.silent...)
		})
	}
}

func TestAnUpdateToWhoWasNeverToldReadsAsTheCurrentData(t *testing.T) {
	for language, want := range map[string]string{
		"en": "Here are the current details of the event you registered for.",
		"fr": "Voici les informations à jour de l’événement auquel vous participez.",
		"es": "Estos son los datos actualizados del evento en el que se ha inscrito.",
	} {
		s := sample(convened.Update, language)
		s.Claim.Was = nil
		got := textOf(t, s)
		wants(t, language, got, want)
		wantsNo(t, language, got, "Before", "Auparavant", "Antes ")
	}
}

func TestASubjectForAReaderElsewhereSaysWhoseTimeItTells(t *testing.T) {
	for language, want := range map[string]string{
		"en": "Now 25 Nov, 16:00 UTC+1 (was 24 Nov, 16:00): Internationalisation and…",
		"fr": "25 nov., 16 h 00 UTC+1 (et non 24 nov., 16 h 00)\u202f: L'internationalisation des…",
		"es": "Ahora 25 nov., 16:00 UTC+1 (antes 24 nov., 16:00): La internacionalización de…",
	} {
		s := letterTo("Tokyo", convened.Update, language)
		if got := render(t, s).Subject; got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestTheOldTimeIsToldOnTheReadersClockToo(t *testing.T) {
	wants(t, "the letter", textOf(t, letterTo("Tokyo", convened.Update, "en")),
		"Now Wednesday 25 November 2026, 16:00–17:00, Brussels time (UTC+1) Your time: Thursday 26 November 2026, 00:00–01:00, Tokyo time (UTC+9)",
		"Before Tuesday 24 November 2026, 16:00–17:00, Brussels time (UTC+1) Your time: Wednesday 25 November 2026, 00:00–01:00, Tokyo time (UTC+9)")
}
