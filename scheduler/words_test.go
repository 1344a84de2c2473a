package scheduler_test

import (
	"strings"
	"testing"

	"convened"
)

func TestRulesAreSaidInEachLanguage(t *testing.T) {
	for _, tt := range []struct{ rule, en, fr, es string }{
		{"before 24h", "24 hours before the start", "24 heures avant le début", "24 horas antes del comienzo"},
		{"before 1h", "1 hour before the start", "1 heure avant le début", "1 hora antes del comienzo"},
		{"before 1h30m", "1 hour and 30 minutes before the start", "1 heure et 30 minutes avant le début", "1 hora y 30 minutos antes del comienzo"},
		{"before 1h1m1s", "1 hour, 1 minute and 1 second before the start", "1 heure, 1 minute et 1 seconde avant le début",
			"1 hora, 1 minuto y 1 segundo antes del comienzo"},
		{"before 3 days at 09:00", "3 days before, at 09:00", "3 jours avant, à 9 h 00", "3 días antes, a las 09:00"},
		{"before 1 day at 01:30", "1 day before, at 01:30", "1 jour avant, à 1 h 30", "1 día antes, a la 01:30"},
		{"before 3 days", "3 days before, at the time of the start", "3 jours avant, à l'heure du début", "3 días antes, a la hora del comienzo"},
		{"before 0 days at 08:30", "on the day, at 08:30", "le jour même, à 8 h 30", "el mismo día, a las 08:30"},
		{"after 2h", "2 hours after the end", "2 heures après la fin", "2 horas después del final"},
		{"after 1 day at 10:00", "1 day after, at 10:00", "1 jour après, à 10 h 00", "1 día después, a las 10:00"},
		{"after 2 days", "2 days after, at the time of the end", "2 jours après, à l'heure de la fin", "2 días después, a la hora del final"},
		{"after 0 days at 19:00", "on the day it ends, at 19:00", "le jour de la fin, à 19 h 00", "el día en que termina, a las 19:00"},
		{"cron 0 9 * * MON-FRI from 7 days until 1 day at most 3",
			"at 09:00 on weekdays from 7 days to 1 day before, at most 3 times",
			"à 9 h 00 du lundi au vendredi, de 7 jours à 1 jour avant, au plus 3 fois",
			"a las 09:00 de lunes a viernes, desde 7 días hasta 1 día antes, como máximo 3 veces"},
		{"cron 0 1,17 * * * from 48h at most 1",
			"at 01:00 and 17:00 every day from 48 hours before until the start, at most once",
			"à 1 h 00 et à 17 h 00 tous les jours, de 48 heures avant jusqu'au début, au plus une fois",
			"a la 01:00 y a las 17:00 todos los días, desde 48 horas antes hasta el comienzo, como máximo una vez"},
		{"cron 30 18 * * SUN,MON,THU from 7 days",
			"at 18:30 on Mondays, Thursdays and Sundays from 7 days before until the start",
			"à 18 h 30 le lundi, le jeudi et le dimanche, de 7 jours avant jusqu'au début",
			"a las 18:30 los lunes, los jueves y los domingos, desde 7 días antes hasta el comienzo"},
		{"cron 0 10 * * SAT,SUN from 7 days",
			"at 10:00 at weekends from 7 days before until the start",
			"à 10 h 00 le week-end, de 7 jours avant jusqu'au début",
			"a las 10:00 los fines de semana, desde 7 días antes hasta el comienzo"},
		{"cron 0 10 1,15 * * from 30 days",
			"at 10:00 on days 1 and 15 of the month from 30 days before until the start",
			"à 10 h 00 le 1er et le 15 du mois, de 30 jours avant jusqu'au début",
			"a las 10:00 los días 1 y 15 del mes, desde 30 días antes hasta el comienzo"},
		{"cron 0 10 20 NOV,DEC MON from 30 days",
			"at 10:00 on day 20 of the month or on Mondays in November and December from 30 days before until the start",
			"à 10 h 00 le 20 du mois ou le lundi en novembre et en décembre, de 30 jours avant jusqu'au début",
			"a las 10:00 el día 20 del mes o los lunes en noviembre y diciembre, desde 30 días antes hasta el comienzo"},
		{"cron 0 8-16/2 * * SUN from 7 days",
			"5 times a day between 08:00 and 16:00 on Sundays from 7 days before until the start",
			"5 fois par jour entre 8 h 00 et 16 h 00 le dimanche, de 7 jours avant jusqu'au début",
			"5 veces al día entre las 08:00 y las 16:00 los domingos, desde 7 días antes hasta el comienzo"},
		{"cron 0 * * * * from 3h",
			"24 times a day between 00:00 and 23:00 from 3 hours before until the start",
			"24 fois par jour entre 0 h 00 et 23 h 00, de 3 heures avant jusqu'au début",
			"24 veces al día entre las 00:00 y las 23:00, desde 3 horas antes hasta el comienzo"},
		// Every day of the month, or Mondays: every day.
		{"cron 0 9 1-31 * MON from 7 days",
			"at 09:00 every day from 7 days before until the start",
			"à 9 h 00 tous les jours, de 7 jours avant jusqu'au début",
			"a las 09:00 todos los días, desde 7 días antes hasta el comienzo"},
	} {
		r := mustRule(t, tt.rule)
		for language, want := range map[string]string{"en": tt.en, "fr": tt.fr, "es": tt.es, "FR-ca": tt.fr, "de": tt.en, "": tt.en} {
			if got := strings.ReplaceAll(r.Words(language), "\u00a0", " "); got != want {
				t.Errorf("%q in %q\n got %q\nwant %q", tt.rule, language, got, want)
			}
		}
	}
}

func TestNoLanguageOfTheLettersIsForgotten(t *testing.T) {
	said := make(map[string]string)
	for _, language := range convened.Languages() {
		words := mustRule(t, "before 24h").Words(language)
		if other, ok := said[words]; ok {
			t.Errorf("%s is said as in %s: %q", language, other, words)
		}
		said[words] = language
	}
}
