package desk

import (
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
	"convened/store"
)

func TestEveryFaultHasItsAdviceInEachLanguage(t *testing.T) {
	t.Parallel()
	for _, language := range convened.Languages() {
		said := map[string]Fault{}
		for _, f := range Faults() {
			a := advice[language][f]
			if a.What == "" || !strings.HasSuffix(a.Do, ".") {
				t.Errorf("%s in %s: %+v", f, language, a)
			}
			if other, twice := said[a.What]; twice {
				t.Errorf("in %s %s is called as %s is", language, f, other)
			}
			said[a.What] = f
		}
		if len(advice[language]) != len(Faults()) {
			t.Errorf("in %s there are %d, want %d", language, len(advice[language]), len(Faults()))
		}
	}
	if got := MailboxFull.Advice("de"); got != advice["en"][MailboxFull] {
		t.Errorf("in German it is %+v", got)
	}
}

func TestAFaultIsWhatTheServerSaidOfIt(t *testing.T) {
	t.Parallel()
	refused := func(cause convened.Cause, code int, enhanced string) store.Failure {
		return store.Failure{State: convened.Refused, Cause: cause, Code: code, Enhanced: enhanced}
	}
	for _, c := range []struct {
		f    store.Failure
		want Fault
	}{
		{store.Failure{State: convened.Refused, Cause: convened.CauseAddress, Untried: true}, NotAnAddress},
		{refused(convened.CauseAddress, 550, "5.1.1"), MailboxUnknown},
		{refused(convened.CauseAddress, 550, ""), MailboxUnknown},
		{refused(convened.CauseAddress, 550, "5.1.2"), DomainUnknown},
		{refused(convened.CauseAddress, 556, "5.1.10"), DomainUnknown},
		{refused(convened.CauseAddress, 550, "5.2.1"), MailboxOff},
		{refused(convened.CauseAddress, 550, "5.6.7"), NotAnAddress},
		{refused(convened.CausePolicy, 552, "5.2.2"), MailboxFull},
		{refused(convened.CausePolicy, 550, "5.7.1"), TakenForSpam},
		{refused(convened.CausePolicy, 554, ""), TakenForSpam},
		{refused(convened.CausePolicy, 553, "5.1.8"), SenderRefused},
		{refused(convened.CauseContent, 552, "5.3.4"), LetterRefused},
		{refused(convened.CausePoison, 0, ""), NoLetter},
		{refused(convened.CauseUseless, 451, ""), GaveUp},
		{refused(convened.CauseServer, 451, "4.2.2"), MailboxFull},
		{store.Failure{State: convened.Planned, Cause: convened.CauseServer, Code: 451}, TryingAgain},
		{store.Failure{State: convened.Planned, Cause: convened.CauseSlowDown, Code: 421}, TryingAgain},
		{store.Failure{State: convened.Planned, Cause: convened.CauseLogin, Code: 535, Enhanced: "5.7.8"}, WrongLogin},
		{store.Failure{State: convened.Planned, Cause: convened.CauseRelay}, RelayAway},
		{store.Failure{State: convened.Unknown, Cause: convened.CauseDoubt}, InDoubt},
		{store.Failure{State: convened.Held, Cause: convened.CauseDoubt}, InDoubt},
		{store.Failure{State: convened.Sent, Returned: true, Cause: convened.CauseAddress, Enhanced: "5.1.1"}, MailboxUnknown},
		{store.Failure{State: convened.Sent, Returned: true}, MailboxUnknown},
	} {
		if got := faultOf(c.f); got != c.want {
			t.Errorf("%+v is %s, want %s", c.f, got, c.want)
		}
	}
}

func TestWhatHasOneFaultIsOneGroupWithItsLatestExamples(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 15, 15, 0, 0, 0, time.UTC)
	example := func(id convened.RegistrationID, minutes int) store.FailureExample {
		return store.FailureExample{Registration: id, Email: "x", At: at.Add(time.Duration(minutes) * time.Minute)}
	}
	got := groupFailures([]store.Failure{
		{State: convened.Unknown, Cause: convened.CauseDoubt, Letters: 3, People: 3, Latest: at, Examples: []store.FailureExample{example(9, 0)}},
		{State: convened.Held, Cause: convened.CauseDoubt, Letters: 2, People: 2, Latest: at},
		{State: convened.Refused, Cause: convened.CauseAddress, Enhanced: "5.1.1", Letters: store.MostFailures, People: 9000, Latest: at,
			Examples: []store.FailureExample{example(1, 1), example(2, 3), example(3, 5)}},
		{State: convened.Sent, Returned: true, Cause: convened.CauseAddress, Enhanced: "5.1.1", Letters: 4, People: 4, Latest: at.Add(time.Hour),
			Examples: []store.FailureExample{example(4, 2), example(3, 4), example(5, 6), example(6, 0)}},
	})
	if len(got) != 2 || got[0].Fault != MailboxUnknown || got[1].Fault != InDoubt {
		t.Fatalf("the groups are %+v", got)
	}
	unknown, doubt := got[0], got[1]
	if unknown.Letters != store.MostFailures+4 || unknown.People != 9004 || unknown.Returned != 4 || !unknown.More || !unknown.Latest.Equal(at.Add(time.Hour)) {
		t.Errorf("the first group is %+v", unknown)
	}
	var ids []convened.RegistrationID
	for _, e := range unknown.Examples {
		ids = append(ids, e.Registration)
	}
	if !slices.Equal(ids, []convened.RegistrationID{5, 3, 2, 4, 1}) {
		t.Errorf("its examples are %v", ids)
	}
	if doubt.Again != 3 || doubt.Held != 2 || doubt.More {
		t.Errorf("the second group is %+v", doubt)
	}
}
