package store

import (
	"fmt"
	"testing"
	"time"

	"convened"
)

func TestFiguresCountWhatBecameOfEachMail(t *testing.T) {
	s := open(t)
	apply(t, s, webinar("w"), early)
	apply(t, s, webinar("other"), early)
	for i := range 5 {
		sqlExec(t, s, `INSERT INTO convened.registrations (event, email, language, zone, seat_no, seat, address, planned_at, seated_at)
			OVERRIDING SYSTEM VALUE VALUES ('w', $1, $2, $3, NULL, NULL, $1, now(), now())`,
			fmt.Sprintf("p%d@example.org", i), []string{"", "fr", "fr", "es", "en"}[i], []string{"", "", "America/Mexico_City", "America/Mexico_City", "Asia/Tokyo"}[i])
	}
	sqlExec(t, s, `UPDATE convened.registrations SET seat = id`)
	sqlExec(t, s, `UPDATE convened.registrations SET muted_at = now() WHERE email = 'p1@example.org'`)
	sqlExec(t, s, `UPDATE convened.registrations SET refused_at = now() WHERE email = 'p2@example.org'`)
	sqlExec(t, s, `UPDATE convened.registrations SET cancelled_at = now() WHERE email = 'p4@example.org'`)
	register(t, s, "w", "new@example.org")
	register(t, s, "other", "elsewhere@example.org")
	day := early.Truncate(24 * time.Hour)
	sqlExec(t, s, `INSERT INTO convened.notices (registration, event, kind, occasion, state, instant, due_at, planned_at, sent_at)
		SELECT id, event, 'confirmation', '1', 'sent', $1, $1, $1, $1::timestamptz + interval '1 hour' * (id % 2) * 30 FROM convened.registrations WHERE seat = id`, day)
	occasion := convened.Occasion{Key: "before 24h", Start: starts, Ordinal: 1}
	sqlExec(t, s, `INSERT INTO convened.reminder_occasions (event, name, starts_at, ordinal, instant, recorded_at, upto_seat, done_seat, planned_at, notices) VALUES ('w', $1, $2, 1, $3, $3, 5, 5, $3, 4)`,
		occasion.Key, starts, starts.Add(-24*time.Hour))
	sqlExec(t, s, `INSERT INTO convened.notices (registration, event, kind, occasion, state, instant, due_at, planned_at, sent_at)
		SELECT id, event, 'reminder', $1, CASE WHEN email < 'p2' THEN 'sent' WHEN email < 'p3' THEN 'refused' ELSE 'planned' END, $2, $2, $2, CASE WHEN email < 'p2' THEN $2::timestamptz END
		FROM convened.registrations WHERE seat = id AND cancelled_at IS NULL`, occasion.String(), starts.Add(-24*time.Hour))

	f, err := s.Figures(t.Context(), "w")
	if err != nil {
		t.Fatal(err)
	}
	if f.Registered != 4 || f.Muted != 1 || f.Refused != 1 || f.GivenUp != 1 || f.Arriving != 1 {
		t.Errorf("registered %d, muted %d, refused %d, given up %d, arriving %d; want 4, 1, 1, 1, 1", f.Registered, f.Muted, f.Refused, f.GivenUp, f.Arriving)
	}
	if got := fmt.Sprint(f.Languages); got != "map[en:1 es:1 fr:2]" {
		t.Errorf("languages %s", got)
	}
	if got := fmt.Sprint(f.Zones); got != "[{America/Mexico_City 2} {Europe/Brussels 2}]" {
		t.Errorf("zones %s", got)
	}
	days, sent := 0, 0
	for _, m := range f.Mails {
		switch m.Kind {
		case convened.Confirmation:
			days++
			sent += m.Count(convened.Sent)
		case convened.ReminderKind:
			if m.Occasion != occasion.String() || m.Count(convened.Sent) != 2 || m.Count(convened.Refused) != 1 || m.Count(convened.Planned, convened.Claimed) != 1 || !m.First.Equal(starts.Add(-24*time.Hour)) {
				t.Errorf("the reminder is %+v", m)
			}
		default:
			t.Errorf("there is a %s", m.Kind)
		}
	}
	if days != 2 || sent != 5 {
		t.Errorf("%d confirmations left on %d days, want 5 on 2", sent, days)
	}
	b, err := s.Bursts(t.Context(), "w")
	if err != nil || len(b) != 1 || b[0].Left != 1 || b[0].Of != 4 || b[0].Occasion != occasion.String() {
		t.Errorf("underway is %+v, %v; want one reminder of four", b, err)
	}
	if b, err := s.Bursts(t.Context(), "other"); err != nil || len(b) != 0 {
		t.Errorf("underway elsewhere is %+v, %v", b, err)
	}
}
