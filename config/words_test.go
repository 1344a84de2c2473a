package config

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDurationsAreReadAsPeopleWriteThem(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "10m": 10 * time.Minute, "1h": time.Hour, "1h30m": 90 * time.Minute, "1h0m5s": time.Hour + 5*time.Second, "0.5s": time.Second / 2,
		"250ms": 250 * time.Millisecond, "0": 0, "0s": 0, "1 day": day, "7 days": 7 * day, "7d": 7 * day, "36500 days": 36500 * day,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q is %s (%v), want %s", text, got, err, want)
		}
	}
}

func TestRefusedDurationsSayWhatToWrite(t *testing.T) {
	for text, mend := range map[string]string{
		"60": "write a unit after it, such as 60s", "1w": "write 7 days", "2 weeks": "write 14 days", "5 min": "write 5m", "5 Minutes": "write 5m", "3 hours": "write 3h",
		"36501 days": "write at most 36500 days", "999999999h": "write at most 36500 days", "": "write something like 90s, 10m, 1h or 7 days",
		"-5m": "write something like 90s, 10m, 1h or 7 days", "1m1h": "write something like 90s, 10m, 1h or 7 days", "1 fortnight": "write something like 90s, 10m, 1h or 7 days",
	} {
		d, err := ParseDuration(text)
		invalid, ok := err.(*Invalid)
		if !ok || invalid.Mend != mend {
			t.Errorf("%q is %s with the error %v, want the mend %q", text, d, err, mend)
		}
	}
}

func TestAnyDurationSurvivesPrintingAndParsing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(maxDays)*24*3600*1000).Draw(t, "milliseconds")) * time.Millisecond
		if got, err := ParseDuration(FormatDuration(d)); err != nil || got != d {
			t.Fatalf("%s is printed as %q and read as %s, %v", d, FormatDuration(d), got, err)
		}
	})
	for d, want := range map[time.Duration]string{time.Hour: "1h", 90 * time.Minute: "1h30m", 24 * time.Hour: "1 day", 48 * time.Hour: "2 days", 0: "0s",
		10 * time.Minute: "10m", 36 * time.Hour: "36h", time.Hour + time.Second: "1h0m1s"} {
		if got := FormatDuration(d); got != want {
			t.Errorf("%d is printed as %q, want %q", d, got, want)
		}
	}
}

func TestNearestFindsWhatWasMeant(t *testing.T) {
	words := []string{"starts", "ends", "zone", "language", "organizer", "colour", "reminders", "database"}
	for word, want := range map[string]string{
		"start": "starts", "strats": "starts", "organiser": "organizer", "color": "colour", "colours": "colour", "Zone": "zone", "reminder": "reminders", "end": "ends",
		"langauge": "language", "datbase": "database", "foo": "", "": "", "kubernetes": "", strings.Repeat("x", 1000): "",
	} {
		if got := Nearest(word, words); got != want {
			t.Errorf("Nearest(%q) is %q, want %q", word, got, want)
		}
	}
}

// anyText draws what organisers write, and what they should not.
func anyText(t *rapid.T, name string) string {
	piece := rapid.SampledFrom([]string{"a", "été", " ", "\n", "\n\n", ": ", "#", " #", "- ", "'", `"`, `\`, "{", "}", "[", ",", "&", "*", "!", "|", ">", "%", "@", "`", "~", "null",
		"true", "no", "0x1F", "1_0", ".5", "2026-11-25", "16:00", "\t", "…", "\u2028", "\u00a0", "\u0085", "\ufeff", "\U0001F600", "\U000E0001", "<<", "=", "?", "---", "...", "\x7f", "x: y", "Ana"})
	return strings.TrimSpace(strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, name), ""))
}

func TestAnyTextSurvivesWritingAndReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, two := anyText(t, "one"), anyText(t, "two")
		if rapid.Bool().Draw(t, "random") {
			one = strings.TrimSpace(strings.ToValidUTF8(rapid.String().Draw(t, "any"), ""))
		}
		yaml := "text:" + Value(one, 2) + "\nlist: [" + Scalar(one) + ", " + Scalar(two) + "]\nmap:\n  a:" + Value(two, 4) + "\n  b: {c: " + Scalar(two) + "}\n"
		var got struct {
			Text string   `yaml:"text"`
			List []string `yaml:"list"`
			Map  struct {
				A string            `yaml:"a"`
				B map[string]string `yaml:"b"`
			} `yaml:"map"`
		}
		if err := DecodeYAML("x.yaml", []byte(yaml), &got); err != nil {
			t.Fatalf("%v\nin\n%s", err, yaml)
		}
		if got.Text != one || got.List[0] != one || got.List[1] != two || got.Map.A != two || got.Map.B["c"] != two {
			t.Fatalf("%q and %q are read as %+v from\n%s", one, two, got, yaml)
		}
	})
}

func TestPlainTextStandsWithoutQuotationMarks(t *testing.T) {
	for text, want := range map[string]string{
		"Webinar": "Webinar", "Metropolis (AL-LAs)": "Metropolis (AL-LAs)", "Ciudad de México": "Ciudad de México", "2026-11-25 16:00": "2026-11-25 16:00",
		"3 days at 09:00": "3 days at 09:00", "https://example.org/join?a=b": "https://example.org/join?a=b", "Europe/Brussels": "Europe/Brussels",
		"no": `"no"`, "": `""`, "a: b": `"a: b"`, "0 9 * * MON-FRI": `"0 9 * * MON-FRI"`, "L'été": `"L'été"`, "12": `"12"`, "#1a5fb4": `"#1a5fb4"`, "a\nb": `"a\nb"`, "- a": `"- a"`,
	} {
		if got := Scalar(text); got != want {
			t.Errorf("Scalar(%q) is %s, want %s", text, got, want)
		}
	}
	if got, want := Value("one\n\n  two: # three", 4), " |-\n    one\n\n      two: # three"; got != want {
		t.Errorf("Value is %q, want %q", got, want)
	}
}
