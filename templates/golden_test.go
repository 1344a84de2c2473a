package templates

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"convened"
)

var update = flag.Bool("update", false, "write the golden files and the generated part of docs/templates.md")

// The readers of the webinar, one of whom gets each golden letter.
var readers = map[string]convened.Registration{
	"Brussels": {Name: "Amélie Laurent", Zone: "Europe/Brussels"},
	"Mexico":   {Name: "José Ángel Hernández", Zone: "America/Mexico_City"},
	"Rabat":    {Name: "فاطمة الزهراء", Zone: "Africa/Casablanca"},
	"Montréal": {Name: "Zoé Tremblay-Côté", Zone: "America/Toronto"},
	"Tokyo":    {Name: "", Zone: "Asia/Tokyo"},
}

// goldens says who gets which letter, so that each city and each language is
// among them for confirmation, reminder and update, and no file is like another.
var goldens = []struct {
	kind                 convened.Kind
	english, french, esp string
}{
	{convened.Confirmation, "Tokyo", "Brussels", "Mexico"},
	{convened.ReminderKind, "Tokyo", "Rabat", "Mexico"},
	{convened.Update, "Montréal", "Montréal", "Mexico"},
	{convened.Cancellation, "Tokyo", "Montréal", "Brussels"},
	{convened.Followup, "Brussels", "Rabat", "Mexico"},
}

// letterTo is the sample of a kind in a language, addressed to one of the readers.
func letterTo(reader string, kind convened.Kind, language string) Sample {
	s := sample(kind, language)
	r := &s.Claim.Registration
	r.Name, r.Zone = readers[reader].Name, readers[reader].Zone
	return s
}

// render renders with the built-in letters.
func render(t testing.TB, s Sample) Content {
	t.Helper()
	c, err := Builtin().Render(s.Now, s.Claim, s.Links)
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	return c
}

func TestLettersAreAsInTheGoldenFiles(t *testing.T) {
	for _, g := range goldens {
		for language, reader := range map[string]string{"en": g.english, "fr": g.french, "es": g.esp} {
			golden(t, string(g.kind)+"."+language, render(t, letterTo(reader, g.kind, language)))
		}
	}
	// And what is not everybody's letter.
	for name, take := range map[string]func() Sample{
		"folded.fr": func() Sample { return turned("folded", convened.Confirmation, "fr") },
		"seat.es":   func() Sample { return turned("seat given up", convened.Cancellation, "es") },
		"changed.en": func() Sample {
			s := turned("everything changed", convened.Update, "en")
			s.Claim.Registration.Zone = "Asia/Tokyo"
			return s
		},
		"preflight.en":     func() Sample { return sample(convened.Preflight, "en") },
		"preflight.fr":     func() Sample { return sample(convened.Preflight, "fr") },
		"preflight.es":     func() Sample { return sample(convened.Preflight, "es") },
		"preflight-few.fr": func() Sample { return turned("one of each", convened.Preflight, "fr") },
		"declined.fr":      func() Sample { return turned("said no in a calendar", convened.ReminderKind, "fr") },
		"bare.en":          func() Sample { return turned("nothing but a title", convened.Confirmation, "en") },
	} {
		golden(t, name, render(t, take()))
	}
}

// turned is a sample with one of the turns taken.
func turned(name string, kind convened.Kind, language string) Sample {
	for _, turn := range turns {
		if turn.name == name {
			s := sample(kind, language)
			s.Name = string(kind) + " " + language + ": " + name
			turn.take(&s)
			return s
		}
	}
	panic("no turn " + name)
}

func golden(t *testing.T, name string, c Content) {
	t.Helper()
	for suffix, got := range map[string]string{".subject": c.Subject + "\n", ".txt": c.Text, ".html": c.HTML} {
		path := filepath.Join("testdata", "golden", name+suffix)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs from what is rendered now; look at it with: go test ./templates -run Golden -update && git diff\n%s", path, got)
		}
	}
}

func TestRenderingTwiceGivesTheSameLetter(t *testing.T) {
	again := Samples()
	for i, s := range Samples() {
		if a, b := render(t, s), render(t, again[i]); a != b {
			t.Errorf("%s: two renderings differ", s.Name)
		}
	}
}

func TestRenderChangesNoneOfItsArguments(t *testing.T) {
	untouched := Samples()
	for i, s := range Samples() {
		render(t, s)
		if want := untouched[i]; !reflect.DeepEqual(s.Claim, want.Claim) || s.Links != want.Links {
			t.Errorf("%s: the claim or the links are not what they were", s.Name)
		}
	}
}

func TestRenderReportsWhatItHasNoLetterFor(t *testing.T) {
	now := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	preflight := sample(convened.ReminderKind, "en")
	preflight.Claim.Notice.Kind = convened.Preflight
	unknown := sample(convened.ReminderKind, "en")
	unknown.Claim.Reminder.Template = "lastcall"
	for name, c := range map[string]*convened.Claim{
		"nothing": nil, "a preflight": preflight.Claim, "an unknown template": unknown.Claim, "an empty claim": {},
	} {
		if _, err := Builtin().Render(now, c, Links{}); err == nil {
			t.Errorf("%s: got a letter, want an error", name)
		}
	}
}

func TestAPanicWhileRenderingIsAnError(t *testing.T) {
	s := sample(convened.ReminderKind, "en")
	broken := &Set{units: map[key]*unit{{"", "reminder", "en"}: {}}} // no templates at all
	c, err := broken.Render(s.Now, s.Claim, s.Links)
	if err == nil || !strings.Contains(err.Error(), "panic") || c != (Content{}) {
		t.Errorf("got %v, %v, want an error and nothing else", c, err)
	}
}

func TestBuiltinHasTheKindsAndNothingElse(t *testing.T) {
	for _, k := range convened.Kinds() {
		if !Builtin().Has(string(k)) {
			t.Errorf("Has(%q) = false", k)
		}
	}
	for _, name := range []string{"", "lastcall", "layout", "events", "preflight", "confirmation/fr"} {
		if Builtin().Has(name) {
			t.Errorf("Has(%q) = true", name)
		}
	}
}

func TestEverySampleCanBeRendered(t *testing.T) {
	if err := rehearse(Builtin(), true).err(); err != nil {
		t.Error(err)
	}
}

func BenchmarkRender(b *testing.B) {
	s := sample(convened.Confirmation, "fr")
	b.ReportAllocs()
	for b.Loop() {
		render(b, s)
	}
}
