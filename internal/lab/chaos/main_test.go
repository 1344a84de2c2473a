//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The faults that are quick to play, at a small size, so that whoever breaks one
// of them hears of it before the harness is run. What is measured in seconds or
// as a ratio is not among them: other tests run at the same time.
var quick = []string{"2c", "2g", "5", "13", "14a", "29"}

func TestQuickFaults(t *testing.T) {
	defer goleak.VerifyNone(t)
	l, err := openLaboratory(t.Context(), options{small: true, people: 80, seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		l.keep = false
		l.close()
	}()
	for _, s := range scenarios() {
		if !slices.Contains(quick, s.id()) {
			continue
		}
		t.Run(s.id()+" "+s.Name, func(t *testing.T) {
			r := l.play(t.Context(), s)
			t.Logf("%d people, %d mails, %d lost, %d falsely sent, %s twice, %.1f s; %s", r.People, r.Mails, r.Lost, r.Falsely, twice(r), r.Seconds, strings.Join(r.Notes, "; "))
			if r.Passed {
				return
			}
			t.Errorf("%s %s", strings.Join(r.Problems, "\n"), r.NotShown)
			logs, _ := filepath.Glob(filepath.Join(l.dir, "row-"+s.id(), "daemon-*.log"))
			for _, name := range logs {
				said, _ := os.ReadFile(name)
				lines := bytes.Split(said, []byte("\n"))
				t.Logf("%s ends with\n%s", filepath.Base(name), bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
			}
		})
	}
}

// A harness that misses what it is there to find is worse than none.
func TestTheAccountFindsWhatIsWrong(t *testing.T) {
	at := time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)
	a, b := letter{notice: 1, to: "a@example.org", messageID: "1@x", at: at}, letter{notice: 2, to: "b@example.org", messageID: "2@x", at: at}
	sent := func(n int64, to, id string) row {
		return row{seat: n, address: to, notice: n, kind: "confirmation", state: "sent", messageID: id}
	}
	in := func(r row, state string) row { r.state = state; return r }
	rowA, rowB := sent(1, "a@example.org", "1@x"), sent(2, "b@example.org", "2@x")
	other := a
	other.messageID = "another@x"
	for name, c := range map[string]struct {
		rows    []row
		letters []letter
		want    account
	}{
		"all is well":                       {[]row{rowA, rowB}, []letter{a, b}, account{People: 2, Mails: 2}},
		"a letter came twice":               {[]row{rowA, rowB}, []letter{a, b, a}, account{People: 2, Mails: 3, Twice: 1}},
		"it says sent and never came":       {[]row{rowA, rowB}, []letter{a}, account{People: 2, Mails: 1, Lost: 1, Falsely: 1}},
		"a seat without a notice":           {[]row{rowA, {seat: 3, address: "c@example.org"}}, []letter{a}, account{People: 2, Mails: 1, Lost: 1}},
		"held, and it never came":           {[]row{in(rowA, "held")}, nil, account{People: 1, Held: 1, Lost: 1}},
		"held, and it came":                 {[]row{in(rowA, "held")}, []letter{a}, account{People: 1, Mails: 1, Held: 1}},
		"planned for ever":                  {[]row{in(rowA, "planned")}, nil, account{People: 1, Lost: 1}},
		"it came, and the row does not say": {[]row{in(rowA, "unknown")}, []letter{a}, account{People: 1, Mails: 1, Untold: 1}},
		"refused, and it came":              {[]row{in(rowA, "refused")}, []letter{a}, account{People: 1, Mails: 1, Refused: 1, Untold: 1}},
		"refused":                           {[]row{in(rowA, "refused")}, nil, account{People: 1, Refused: 1}},
		"cancelled":                         {[]row{in(rowA, "cancelled")}, nil, account{People: 1, Cancelled: 1}},
		"in doubt, and its person left":     {[]row{in(rowA, "doubted")}, []letter{a}, account{People: 1, Mails: 1, Cancelled: 1}},
		"cancelled, and it came":            {[]row{in(rowA, "cancelled")}, []letter{a}, account{People: 1, Mails: 1, Cancelled: 1, Untold: 1}},
		"a letter of no row":                {[]row{rowA}, []letter{a, b}, account{People: 1, Mails: 2, Strangers: 1}},
		"a copy that is another letter":     {[]row{rowA}, []letter{a, other}, account{People: 1, Mails: 2, Twice: 1, Changed: 1}},
		"somebody else's letter":            {[]row{sent(1, "c@example.org", "1@x")}, []letter{a}, account{People: 1, Mails: 1, Changed: 1}},
		"who was erased":                    {[]row{{seat: 1, notice: 1, state: "sent"}}, []letter{a}, account{People: 1, Mails: 1}},
	} {
		got := balance(c.rows, c.letters)
		got.examples = nil
		if got.String() != c.want.String() {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestRowsAreReadAsPsqlPrintsThem(t *testing.T) {
	rows, err := parseRows("1\ta@example.org\t7\tconfirmation\tsent\t7@x\t2\t\n2\t\t0\t\t\t\t0\t")
	want := []row{{1, "a@example.org", 7, "confirmation", "sent", "7@x", 2, ""}, {seat: 2}}
	if err != nil || !slices.Equal(rows, want) {
		t.Errorf("%+v, %v, want %+v", rows, err, want)
	}
	for _, text := range []string{"1\ta", "x\ta@example.org\t7\tconfirmation\tsent\t7@x\t2\t"} {
		if _, err := parseRows(text); err == nil {
			t.Errorf("%q is taken for rows", text)
		}
	}
}

func TestTheNoticeIsReadFromTheEnvelope(t *testing.T) {
	for from, want := range map[string]int64{"bounce+17.abc@example.org": 17, "events@example.org": 0, "bounce+x.abc@example.org": 0} {
		if got := noticeOf(from); got != want {
			t.Errorf("%s is of notice %d, want %d", from, got, want)
		}
	}
}

// The page is written from what was counted; a fault that is new must be counted.
func TestThePageHasEveryFault(t *testing.T) {
	page, err := os.ReadFile("../../../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, s := range scenarios() {
		if ids[s.id()] {
			t.Errorf("there are two scenarios %s", s.id())
		}
		ids[s.id()] = true
		for _, want := range []string{"### " + s.id() + ". " + s.Name, upper(s.Fault), s.Required} {
			if !bytes.Contains(page, []byte(want)) {
				t.Errorf("docs/faults.md lacks %q: `make chaos ARGS='-markdown docs/faults.md'` writes it", want)
			}
		}
	}
	for n := 1; n <= 33; n++ {
		if !slices.ContainsFunc(scenarios(), func(s *scenario) bool { return s.Row == n }) {
			t.Errorf("row %d of the table has no scenario", n)
		}
	}
}
