package scheduler_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"convened/scheduler"
)

func TestDurationsAreReadAsPeopleWriteThem(t *testing.T) {
	for _, tt := range []struct {
		text string
		want scheduler.Span
		said string
	}{
		{"90s", scheduler.Span{Elapsed: 90 * time.Second}, "1m30s"},
		{"45m", scheduler.Span{Elapsed: 45 * time.Minute}, "45m"},
		{"90m", scheduler.Span{Elapsed: 90 * time.Minute}, "1h30m"},
		{"24h", scheduler.Span{Elapsed: 24 * time.Hour}, "24h"},
		{" 1h 30m ", scheduler.Span{Elapsed: 90 * time.Minute}, "1h30m"},
		{"24 H", scheduler.Span{Elapsed: 24 * time.Hour}, "24h"},
		{"1h5s", scheduler.Span{Elapsed: time.Hour + 5*time.Second}, "1h5s"},
		{"7 days", scheduler.Span{Days: 7}, "7 days"},
		{"7\u00a0days", scheduler.Span{Days: 7}, "7 days"},
		{"1 day", scheduler.Span{Days: 1}, "1 day"},
		{"1 days", scheduler.Span{Days: 1}, "1 day"},
		{"07d", scheduler.Span{Days: 7}, "7 days"},
		{"0", scheduler.Span{}, "0s"},
		{"0s", scheduler.Span{}, "0s"},
		{"36500 days", scheduler.Span{Days: 36500}, "36500 days"},
	} {
		got, err := scheduler.ParseDuration(tt.text)
		if err != nil || got != tt.want {
			t.Errorf("ParseDuration(%q) = %+v, %v; want %+v", tt.text, got, err, tt.want)
		}
		if got.String() != tt.said {
			t.Errorf("ParseDuration(%q).String() = %q, want %q", tt.text, got, tt.said)
		}
	}
}

func TestADayIsTwentyFourHoursForConfiguration(t *testing.T) {
	s, err := scheduler.ParseDuration("7 days")
	if got, want := s.Duration(), 168*time.Hour; err != nil || got != want {
		t.Errorf("7 days = %v, %v; want %v", got, err, want)
	}
	if s.IsZero() || !(scheduler.Span{}).IsZero() {
		t.Errorf("IsZero is wrong about %v or about no time at all", s)
	}
}

func TestRefusedDurationsSayWhatToWrite(t *testing.T) {
	for _, tt := range []struct{ text, mend string }{
		{"", `"24h"`},
		{"24", `write "24h" or "24 days"`},
		{"1", `write "1h" or "1 day"`},
		{"2 weeks", `write "14 days"`},
		{"1 month", `write "30 days"`},
		{"3 hours", `write "3h"`},
		{"30 min", `write "30m"`},
		{"10 secs", `write "10s"`},
		{"-24h", "such as"},
		{"1.5h", "such as"},
		{"1 day 2h", "such as"},
		{"30m1h", "such as"},
		{"h", "such as"},
		{"99999999999999999999h", "shorter"},
		{"36501 days", "fewer"},
		{"876000h1s", "shorter"},
		{"100 lightyears", "such as"},
		{"٣ days", "such as"},
	} {
		got, err := scheduler.ParseDuration(tt.text)
		var re *scheduler.RuleError
		if !errors.As(err, &re) {
			t.Errorf("ParseDuration(%q) = %v, %v; want a *RuleError", tt.text, got, err)
			continue
		}
		if !strings.Contains(err.Error(), tt.mend) {
			t.Errorf("ParseDuration(%q): %q does not say %q", tt.text, err, tt.mend)
		}
	}
}
