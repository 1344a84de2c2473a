package convened

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestAWallTimeIsOneInstant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, wall, want string }{
		{"Europe/Brussels", "2026-11-25 16:00", "2026-11-25T15:00:00Z"},
		{"Europe/Brussels", "2026-10-21 16:00", "2026-10-21T14:00:00Z"},
		// The clock is put forward: what does not exist moves by the gap.
		{"Europe/Paris", "2026-03-29 01:59", "2026-03-29T00:59:00Z"},
		{"Europe/Paris", "2026-03-29 02:30", "2026-03-29T01:30:00Z"},
		{"Europe/Paris", "2026-03-29 03:00", "2026-03-29T01:00:00Z"},
		// It is put back: what exists twice is the first.
		{"Europe/Paris", "2026-10-25 02:30", "2026-10-25T00:30:00Z"},
		{"Europe/Paris", "2026-10-25 03:00", "2026-10-25T02:00:00Z"},
		{"America/New_York", "2026-03-08 02:30", "2026-03-08T07:30:00Z"},
		{"America/New_York", "2026-11-01 01:30", "2026-11-01T05:30:00Z"},
		{"Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03T15:45:00Z"},
		{"Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04T14:45:00Z"},
		{"Pacific/Apia", "2011-12-30 12:00", "2011-12-30T22:00:00Z"}, // a whole day that was skipped
		{"UTC", "2026-11-25 16:00:30", "2026-11-25T16:00:30Z"},
	} {
		w, err := ParseWall(c.wall)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.In(zone(t, c.zone)).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s in %s is %s, want %s", c.wall, c.zone, got, c.want)
		}
	}
}

func TestAWallTimePrintsAsItIsRead(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"2026-11-25 16:00": "2026-11-25 16:00", "2026-11-25T16:00": "2026-11-25 16:00",
		"2026-11-25 16:00:00": "2026-11-25 16:00", "2026-11-25 16:00:01": "2026-11-25 16:00:01",
	} {
		w, err := ParseWall(in)
		if err != nil || w.String() != want {
			t.Errorf("%q reads as %q, %v; want %q", in, w, err, want)
		}
	}
	for _, bad := range []string{"", "2026-02-30 10:00", "2026-11-25", "16:00", "25.11.2026 16:00", "2026-11-25 24:00", "2026-11-25 16:00 CET"} {
		if w, err := ParseWall(bad); err == nil {
			t.Errorf("%q reads as %s", bad, w)
		}
	}
}

func TestAnAbbreviationIsRefusedWithTheNameToUse(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"CET": "Europe/Brussels", "cest": "Europe/Brussels", "EST": "America/New_York", "GMT": "UTC", "IST": "Asia/Kolkata",
		"": "missing", "UTC+1": "IANA", "Etc/GMT-1": "IANA", "Local": "IANA", "Europe/Atlantis": "not in the time zone database", "../../etc/passwd": "not",
	} {
		_, err := LoadZone(name)
		var z *ZoneError
		if !errors.As(err, &z) || !strings.Contains(err.Error(), want) {
			t.Errorf("zone %q: error %v, want one that names %s", name, err, want)
		}
	}
	for _, name := range []string{"UTC", "Europe/Brussels", "America/Argentina/Buenos_Aires"} {
		if _, err := LoadZone(name); err != nil {
			t.Errorf("zone %q: %v", name, err)
		}
	}
}

func TestATokenNamesItsRegistrationAndNothingElse(t *testing.T) {
	t.Parallel()
	old, new := Key{ID: 1, Secret: make([]byte, 32)}, Key{ID: 2, Secret: []byte(strings.Repeat("k", 32))}
	before, after := Keyring{old}, Keyring{new, old}
	token := before.Token(42)
	if got, err := after.Registration(token); err != nil || got != 42 {
		t.Errorf("after a rotation the old link is %d, %v", got, err)
	}
	if _, err := (Keyring{new}).Registration(token); !errors.Is(err, ErrToken) {
		t.Errorf("a link of a key that is gone: %v", err)
	}
	for i := range token {
		for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \r\n") {
			bad := token[:i] + string(c) + token[i+1:]
			if id, err := before.Registration(bad); bad != token && !errors.Is(err, ErrToken) {
				t.Errorf("the link changed at %d to %q is taken for %d", i, c, id)
			}
		}
		for _, more := range []string{"\n", "\r", "=", " ", "A"} {
			if id, err := before.Registration(token[:i] + more + token[i:]); !errors.Is(err, ErrToken) {
				t.Errorf("the link with %q at %d is taken for %d", more, i, id)
			}
		}
	}
	if a, b := before.Token(42), before.Token(43); a == b || a != before.Token(42) {
		t.Error("tokens are not one to one")
	}
}

func TestAnOccasionReadsAsItIsWritten(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)
	for _, key := range []string{"before 24h", "a@b#c", "name: with @ and #1"} {
		o := Occasion{Key: key, Start: start, Ordinal: 3}
		if got, err := ParseOccasion(o.String()); err != nil || got != o {
			t.Errorf("%q reads as %+v, %v", o.String(), got, err)
		}
	}
	for _, bad := range []string{"", "x", "x#1", "x@y#1", "x@2026-11-25T15:00:00Z#one"} {
		if o, err := ParseOccasion(bad); err == nil {
			t.Errorf("%q reads as %+v", bad, o)
		}
	}
}

func TestATextFallsBackToTheReadersThenTheEventsThenAny(t *testing.T) {
	t.Parallel()
	text := Text{"fr": "Bonjour", "es": "Hola", "de": ""}
	for _, c := range []struct {
		languages []string
		want      string
	}{
		{[]string{"fr-CA", "es"}, "Bonjour"}, {[]string{"en", "es"}, "Hola"}, {[]string{"de", "en"}, "Hola"}, {nil, "Hola"},
	} {
		if got := text.In(c.languages...); got != c.want {
			t.Errorf("in %v it is %q, want %q", c.languages, got, c.want)
		}
	}
	if got := (Text)(nil).In("en"); got != "" {
		t.Errorf("no text is %q", got)
	}
}
