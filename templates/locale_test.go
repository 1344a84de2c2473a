package templates

import (
	"strings"
	"testing"
	"time"

	"convened"
)

// plain makes fixed spaces ordinary ones, which tests are written with.
func plain(s string) string { return strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(s) }

// zone loads a zone that exists.
func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := convened.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// at reads "2026-11-25 16:00" in a zone.
func at(t testing.TB, loc *time.Location, s string) time.Time {
	t.Helper()
	w, err := convened.ParseWall(s)
	if err != nil {
		t.Fatal(err)
	}
	return w.In(loc)
}

func TestDatesAndTimesAreWrittenAsTheLanguageHasThem(t *testing.T) {
	brussels := zone(t, "Europe/Brussels")
	for _, tt := range []struct{ language, from, to, date, hours string }{
		{"en", "2026-11-25 16:00", "2026-11-25 17:00", "Wednesday 25 November 2026", "16:00–17:00"},
		{"fr", "2026-11-25 16:00", "2026-11-25 17:00", "mercredi 25 novembre 2026", "16 h 00 – 17 h 00"},
		{"es", "2026-11-25 16:00", "2026-11-25 17:00", "miércoles 25 de noviembre de 2026", "16:00–17:00"},
		{"en", "2026-12-01 09:05", "2026-12-01 10:00", "Tuesday 1 December 2026", "09:05–10:00"},
		{"fr", "2026-12-01 09:05", "2026-12-01 10:00", "mardi 1er décembre 2026", "9 h 05 – 10 h 00"},
		{"fr", "2026-08-02 00:00", "2026-08-02 00:30", "dimanche 2 août 2026", "0 h 00 – 0 h 30"},
		{"es", "2026-12-01 09:05", "2026-12-01 10:00", "martes 1 de diciembre de 2026", "09:05–10:00"},
		{"en", "2026-11-25 23:00", "2026-11-26 01:00", "Wednesday 25 November 2026", "23:00 – Thursday 26 November 2026, 01:00"},
		{"fr", "2026-11-30 23:00", "2026-12-01 01:00", "lundi 30 novembre 2026", "23 h 00 – mardi 1er décembre 2026, 1 h 00"},
		{"en", "2026-11-25 16:00", "2026-11-25 16:00", "Wednesday 25 November 2026", "16:00"},
	} {
		l := localeOf[tt.language]
		from, to := at(t, brussels, tt.from), at(t, brussels, tt.to)
		if got := plain(l.dateOf(from)); got != tt.date {
			t.Errorf("%s %s: got date %q, want %q", tt.language, tt.from, got, tt.date)
		}
		if got := plain(l.hours(from, to)); got != tt.hours {
			t.Errorf("%s %s: got hours %q, want %q", tt.language, tt.from, got, tt.hours)
		}
	}
}

func TestFrenchHoursDoNotBreakOverALine(t *testing.T) {
	got := localeOf["fr"].clock(16, 0)
	if want := "16\u00a0h\u00a000"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRelativeWordsAreRightAtTheirBorders(t *testing.T) {
	const start = "2026-11-25 16:00"
	for _, tt := range []struct {
		zone, now  string // what the reader's clock shows
		seconds    int
		en, fr, es string
	}{
		{"Europe/Brussels", "2026-11-25 16:00", 0, "now", "maintenant", "ahora"},
		{"Europe/Brussels", "2026-11-25 16:20", 0, "now", "maintenant", "ahora"},
		{"Europe/Brussels", "2026-11-25 15:59", 31, "now", "maintenant", "ahora"},
		{"Europe/Brussels", "2026-11-25 15:59", 30, "in 1 minute", "dans 1 minute", "dentro de 1 minuto"},
		{"Europe/Brussels", "2026-11-25 15:58", 0, "in 2 minutes", "dans 2 minutes", "dentro de 2 minutos"},
		{"Europe/Brussels", "2026-11-25 15:20", 0, "in 40 minutes", "dans 40 minutes", "dentro de 40 minutos"},
		{"Europe/Brussels", "2026-11-25 15:00", 31, "in 59 minutes", "dans 59 minutes", "dentro de 59 minutos"},
		{"Europe/Brussels", "2026-11-25 15:00", 30, "in 1 hour", "dans 1 heure", "dentro de 1 hora"},
		{"Europe/Brussels", "2026-11-25 15:00", 0, "in 1 hour", "dans 1 heure", "dentro de 1 hora"},
		{"Europe/Brussels", "2026-11-25 14:58", 0, "in 1 hour", "dans 1 heure", "dentro de 1 hora"},
		{"Europe/Brussels", "2026-11-25 14:30", 0, "in 1 hour and 30 minutes", "dans 1 heure et 30 minutes", "dentro de 1 hora y 30 minutos"},
		{"Europe/Brussels", "2026-11-25 14:02", 0, "in 2 hours", "dans 2 heures", "dentro de 2 horas"},
		{"Europe/Brussels", "2026-11-25 13:00", 0, "in 3 hours", "dans 3 heures", "dentro de 3 horas"},
		{"Europe/Brussels", "2026-11-25 12:20", 0, "in 4 hours", "dans 4 heures", "dentro de 4 horas"},
		{"Europe/Brussels", "2026-11-25 10:01", 0, "in 6 hours", "dans 6 heures", "dentro de 6 horas"},
		{"Europe/Brussels", "2026-11-25 10:00", 0, "today", "aujourd’hui", "hoy"},
		{"Europe/Brussels", "2026-11-25 00:00", 0, "today", "aujourd’hui", "hoy"},
		{"Europe/Brussels", "2026-11-24 23:59", 59, "tomorrow", "demain", "mañana"},
		{"Europe/Brussels", "2026-11-24 16:00", 3, "tomorrow", "demain", "mañana"},
		{"Europe/Brussels", "2026-11-24 00:00", 0, "tomorrow", "demain", "mañana"},
		{"Europe/Brussels", "2026-11-23 23:59", 0, "in 2 days", "dans 2 jours", "dentro de 2 días"},
		{"Europe/Brussels", "2026-11-22 09:00", 0, "in 3 days", "dans 3 jours", "dentro de 3 días"},
		// The clocks go back on 25 October: 31 days of the calendar.
		{"Europe/Brussels", "2026-10-25 00:30", 0, "in 31 days", "dans 31 jours", "dentro de 31 días"},
		// In Tokyo the event is at 00:00 on the 26th.
		{"Asia/Tokyo", "2026-11-25 00:00", 0, "tomorrow", "demain", "mañana"},
		{"Asia/Tokyo", "2026-11-24 23:59", 0, "in 2 days", "dans 2 jours", "dentro de 2 días"},
		{"Asia/Tokyo", "2026-11-25 17:59", 0, "tomorrow", "demain", "mañana"},
		{"Asia/Tokyo", "2026-11-25 19:00", 0, "in 5 hours", "dans 5 heures", "dentro de 5 horas"},
		// In Mexico City it is at 09:00 on the 25th; in Brussels it is the 25th already.
		{"America/Mexico_City", "2026-11-24 23:00", 0, "tomorrow", "demain", "mañana"},
		{"America/Mexico_City", "2026-11-25 01:00", 0, "today", "aujourd’hui", "hoy"},
	} {
		loc := zone(t, tt.zone)
		starts := at(t, zone(t, "Europe/Brussels"), start)
		now := at(t, loc, tt.now).Add(time.Duration(tt.seconds) * time.Second)
		for language, want := range map[string]string{"en": tt.en, "fr": tt.fr, "es": tt.es} {
			if got := plain(localeOf[language].startsIn(now, starts, loc)); got != want {
				t.Errorf("%s at %s:%02d in %s: got %q, want %q", language, tt.now, tt.seconds, tt.zone, got, want)
			}
		}
	}
}

func TestZonesAreNamedByTheirCityAndTheOffsetOfThatDay(t *testing.T) {
	winter := time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)
	summer := time.Date(2026, 7, 25, 15, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		zone       string
		at         time.Time
		en, fr, es string
	}{
		{"Europe/Brussels", winter, "Brussels time (UTC+1)", "heure de Bruxelles (UTC+1)", "hora de Bruselas (UTC+1)"},
		{"Europe/Brussels", summer, "Brussels time (UTC+2)", "heure de Bruxelles (UTC+2)", "hora de Bruselas (UTC+2)"},
		{"America/Mexico_City", winter, "Mexico City time (UTC−6)", "heure de Mexico (UTC−6)", "hora de Ciudad de México (UTC−6)"},
		{"Africa/Casablanca", winter, "Casablanca time (UTC+1)", "heure de Casablanca (UTC+1)", "hora de Casablanca (UTC+1)"},
		{"America/Toronto", winter, "Toronto time (UTC−5)", "heure de Toronto (UTC−5)", "hora de Toronto (UTC−5)"},
		{"America/Montreal", winter, "Montréal time (UTC−5)", "heure de Montréal (UTC−5)", "hora de Montreal (UTC−5)"},
		{"Asia/Tokyo", winter, "Tokyo time (UTC+9)", "heure de Tokyo (UTC+9)", "hora de Tokio (UTC+9)"},
		{"Asia/Kolkata", winter, "Kolkata time (UTC+5:30)", "heure de Calcutta (UTC+5:30)", "hora de Calcuta (UTC+5:30)"},
		{"America/St_Johns", winter, "St. John’s time (UTC−3:30)", "heure de Saint-Jean de Terre-Neuve (UTC−3:30)", "hora de San Juan de Terranova (UTC−3:30)"},
		{"Europe/London", winter, "London time (UTC+0)", "heure de Londres (UTC+0)", "hora de Londres (UTC+0)"},
		{"UTC", winter, "UTC", "UTC", "UTC"},
		{"Europe/Athens", winter, "Athens time (UTC+2)", "heure d’Athènes (UTC+2)", "hora de Atenas (UTC+2)"},
		{"Europe/Helsinki", winter, "Helsinki time (UTC+2)", "heure d’Helsinki (UTC+2)", "hora de Helsinki (UTC+2)"},
		{"Africa/Cairo", winter, "Cairo time (UTC+2)", "heure du Caire (UTC+2)", "hora de El Cairo (UTC+2)"},
		{"Atlantic/Azores", winter, "Azores time (UTC−1)", "heure des Açores (UTC−1)", "hora de las Azores (UTC−1)"},
		{"America/Havana", winter, "Havana time (UTC−5)", "heure de La Havane (UTC−5)", "hora de La Habana (UTC−5)"},
		{"Asia/Hong_Kong", winter, "Hong Kong time (UTC+8)", "heure de Hong Kong (UTC+8)", "hora de Hong Kong (UTC+8)"},
		{"America/Argentina/Buenos_Aires", winter, "Buenos Aires time (UTC−3)", "heure de Buenos Aires (UTC−3)", "hora de Buenos Aires (UTC−3)"},
		{"US/Eastern", winter, "New York time (UTC−5)", "heure de New York (UTC−5)", "hora de Nueva York (UTC−5)"},
	} {
		loc := zone(t, tt.zone)
		for language, want := range map[string]string{"en": tt.en, "fr": tt.fr, "es": tt.es} {
			if got := plain(localeOf[language].zoneAt(tt.at, loc)); got != want {
				t.Errorf("%s in %s: got %q, want %q", tt.zone, language, got, want)
			}
		}
	}
}

func TestEveryCityOfTheTableIsAZone(t *testing.T) {
	regions := []string{"Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific", "Antarctica", "America/Argentina"}
	for id, names := range cities() {
		found := false
		for _, region := range regions {
			if _, err := convened.LoadZone(region + "/" + id); err == nil {
				found = true
			}
		}
		if !found {
			t.Errorf("%s is the city of no zone", id)
		}
		for _, n := range names {
			if n == "" || strings.ContainsRune(n, '_') {
				t.Errorf("%s is called %q", id, n)
			}
		}
	}
	for old, now := range formerly {
		if _, err := convened.LoadZone(now); err != nil {
			t.Errorf("%s stands for %s: %v", old, now, err)
		}
	}
}

func TestTheLanguageThatIsSpokenIsNamedInTheReadersOwn(t *testing.T) {
	for _, tt := range []struct{ tag, in, want string }{
		{"fr", "en", "French"}, {"fr", "fr", "français"}, {"fr", "es", "francés"},
		{"pt-BR", "fr", "portugais"}, {"EN", "es", "inglés"}, {"tlh", "en", "tlh"}, {"fr, en\n", "en", "fr, en"},
	} {
		if got := languageName(tt.tag, tt.in); got != tt.want {
			t.Errorf("languageName(%q, %q) = %q, want %q", tt.tag, tt.in, got, tt.want)
		}
	}
}
