package scheduler

import (
	"testing"
	"time"

	"convened"
)

var paceStart = time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)

func complaint(at time.Time) convened.Outcome {
	return convened.Outcome{State: convened.Planned, Cause: convened.CauseSlowDown, Code: 421, At: at}
}

func TestADomainIsFreeUntilItComplains(t *testing.T) {
	t.Parallel()
	var p pacer
	for range 100 {
		if at := p.slot(paceStart, "example.org"); !at.Equal(paceStart) {
			t.Fatalf("it waits until %s", at)
		}
	}
	p.saw("example.org", convened.Outcome{State: convened.Planned, Cause: convened.CauseServer, At: paceStart})
	if p.slow() != 0 {
		t.Error("a temporary reply about one letter slowed the domain")
	}
}

func TestADomainThatComplainsGetsItsLettersOneByOne(t *testing.T) {
	t.Parallel()
	var p pacer
	p.saw("slow.example", complaint(paceStart))
	for i := range 5 {
		want := paceStart.Add(firstPause + time.Duration(i)*firstSpacing)
		if at := p.slot(paceStart, "slow.example"); !at.Equal(want) {
			t.Errorf("letter %d goes at %s, want %s", i, at, want)
		}
	}
	if at := p.slot(paceStart, "quick.example"); !at.Equal(paceStart) {
		t.Errorf("another domain waits until %s", at)
	}
}

// Who was told to come back at an instant passes when that has come, and is not
// told to come back again behind those who came meanwhile.
func TestWhoComesBackAtItsSlotPasses(t *testing.T) {
	t.Parallel()
	var p pacer
	p.saw("slow.example", complaint(paceStart))
	var told []time.Time
	for range 5 {
		told = append(told, p.slot(paceStart, "slow.example"))
	}
	for i, at := range told {
		late := time.Duration(i) * 100 * time.Millisecond
		if again := p.slot(at.Add(late), "slow.example"); !again.Equal(at.Add(late)) {
			t.Errorf("letter %d was told to come back at %s, came %s late, and is told to come back at %s", i, at, late, again)
		}
		if other := p.slot(at.Add(late), "slow.example"); !other.After(told[len(told)-1]) {
			t.Errorf("one that is new goes at %s, before those that wait", other)
		}
	}
}

func TestComplaintsOfLettersThatWentTogetherAreOne(t *testing.T) {
	t.Parallel()
	var p pacer
	for i := range 8 {
		p.saw("slow.example", complaint(paceStart.Add(time.Duration(i)*time.Millisecond)))
	}
	if d := p.domains["slow.example"]; d.spacing != firstSpacing || d.pause != firstPause {
		t.Errorf("after one volley it is spaced by %s and pauses %s", d.spacing, d.pause)
	}
	later := paceStart.Add(firstPause + time.Second)
	p.slot(later, "slow.example")
	p.saw("slow.example", complaint(later))
	if d := p.domains["slow.example"]; d.spacing != 2*firstSpacing || d.pause != 2*firstPause {
		t.Errorf("after the second complaint it is spaced by %s and pauses %s", d.spacing, d.pause)
	}
}

func TestADomainThatTakesItsLettersBecomesFreeAgain(t *testing.T) {
	t.Parallel()
	var p pacer
	p.saw("slow.example", complaint(paceStart))
	for n := 0; p.slow() > 0; n++ {
		if n > 1000 {
			t.Fatal("it never does")
		}
		p.saw("slow.example", convened.Outcome{State: convened.Sent, At: paceStart})
	}
}

func TestNoComplaintMakesAWaitLongerThanItsBound(t *testing.T) {
	t.Parallel()
	var p pacer
	now := paceStart
	for range 50 {
		p.saw("slow.example", complaint(now))
		now = p.slot(now, "slow.example").Add(time.Second)
	}
	if d := p.domains["slow.example"]; d.spacing != mostSpacing || d.pause != mostPause {
		t.Errorf("it is spaced by %s and pauses %s", d.spacing, d.pause)
	}
}

func TestTheDomainOfAnAddress(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"a@Example.ORG ": "example.org", "a@b@c.example": "c.example", "nothing": "nothing", "": ""} {
		if got := domainOf(in); got != want {
			t.Errorf("of %q it is %q, want %q", in, got, want)
		}
	}
}
