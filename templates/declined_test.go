package templates

import (
	"strings"
	"testing"

	"convened"
)

// Nothing follows from a no in a calendar but this: who gets another letter is
// offered, beside the link that does it, to give the seat up.
func TestALetterAfterANoOffersToGiveUpTheSeat(t *testing.T) {
	says := map[string]string{"en": "you declined the invitation", "fr": "vous avez décliné l’invitation", "es": "rechazó la invitación"}
	for language, words := range says {
		for _, kind := range convened.Kinds() {
			s := turned("said no in a calendar", kind, language)
			c := render(t, s)
			// After a cancellation and after the event there is nothing to give up.
			offers := kind != convened.Cancellation && kind != convened.Followup
			for part, text := range map[string]string{"text": strings.Join(strings.Fields(c.Text), " "), "HTML": strings.Join(strings.Fields(c.HTML), " ")} {
				at := strings.Index(text, words)
				if (at >= 0) != offers {
					t.Errorf("the %s of a %s in %s says it: %v, want %v", part, kind, language, at >= 0, offers)
				}
				if offers && at >= 0 && !strings.Contains(text[at:], s.Links.Cancel) {
					t.Errorf("the %s of a %s in %s has no link behind it", part, kind, language)
				}
			}
			if before := render(t, sample(kind, language)); strings.Contains(before.Text, words) {
				t.Errorf("a %s in %s says it to everybody", kind, language)
			}
		}
	}
}
