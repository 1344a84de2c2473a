package calendar

import (
	"slices"
	"strings"
	"testing"
)

func TestAPublishedFileIsTheInvitationWithoutItsAttendee(t *testing.T) {
	for _, language := range []string{"en", "fr", "es"} {
		inv := spoken(language)
		want := slices.DeleteFunc(unfold(t, encode(t, inv)), func(l string) bool { return strings.HasPrefix(l, "ATTENDEE") })
		want[slices.Index(want, "METHOD:REQUEST")] = "METHOD:PUBLISH"

		inv.Method = Publish
		got := encode(t, inv)
		checkLines(t, got)
		if got := unfold(t, got); !slices.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", language, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestAPublishedFileNeedsNoAttendee(t *testing.T) {
	inv := webinar()
	inv.Method, inv.Attendee = Publish, Person{}
	if got := string(encode(t, inv)); strings.Contains(got, "ATTENDEE") || !strings.Contains(got, "ORGANIZER") {
		t.Errorf("got\n%s", got)
	}
}
