package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// The whole program on a virtual clock, as a person would start it.
func TestTheFastForwardDemoSendsExactlyWhatIsExpected(t *testing.T) {
	t.Parallel()
	event, err := sampleEvent(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	out := runCommandLine(t.Context(), "", "demo", "--fast-forward")
	if out.code != 0 || !strings.Contains(out.stdout, "exactly the expected ones") {
		t.Fatalf("exit %d\n%s%s", out.code, out.stdout, out.stderr)
	}
	for _, want := range []string{"confirmation", "reminder", "followup", event.Starts.Format("Mon 2 Jan 2006"), "it stands in for"} {
		if !strings.Contains(out.stdout, want) {
			t.Errorf("it does not mention %q:\n%s", want, out.stdout)
		}
	}
}

// The check at the end of the demo can fail.
func TestTheDemoNoticesWhatIsMissingAndWhatIsTooMuch(t *testing.T) {
	t.Parallel()
	event, err := sampleEvent(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	want := expected(event)
	got := append(slices.Clone(want[1:]), "1 update to somebody@example.org")
	missing, unexpected := difference(want, got)
	if len(missing) != 1 || missing[0] != want[0] || len(unexpected) != 1 {
		t.Errorf("missing %q, unexpected %q", missing, unexpected)
	}
}

func TestTheSampleEventIsTheNextTwentyFifthOfNovember(t *testing.T) {
	t.Parallel()
	for now, want := range map[string]string{
		"2026-11-23T12:00:00Z": "2026-11-25T15:00:00Z",
		"2026-11-25T14:59:00Z": "2026-11-25T15:00:00Z",
		"2026-11-25T15:00:00Z": "2027-11-25T15:00:00Z",
		"2028-01-01T00:00:00Z": "2028-11-25T15:00:00Z",
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		e, err := sampleEvent(at)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Starts.Format(time.RFC3339); got != want || e.Ends.Sub(e.Starts) != time.Hour {
			t.Errorf("at %s it starts at %s and lasts %s, want %s", now, got, e.Ends.Sub(e.Starts), want)
		}
	}
}
