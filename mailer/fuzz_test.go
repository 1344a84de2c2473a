package mailer

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"convened"
)

// FuzzLetter has anybody type anything into the form and the event file. What
// comes out is a letter that other parsers read, with the fields that letters
// have, to the one recipient; or a refusal that doesn't repeat the address.
func FuzzLetter(f *testing.F) {
	for _, s := range []struct{ name, title, organizer, from, email, place, slug string }{
		{"Amélie Laurent", "Les espaces métropolitains", "Metropolis", "webinars@example.org", "amelie@example.net", "En ligne", "webinar"},
		{"Ana\r\nBcc: eve@example.com", "Title\r\n\r\n<html>", "A\nFrom: x@y.z", "a@b\r\nc", "a@b.org\r\nRCPT TO:<x@y.z>", "x\r\ny", "a\r\nb: c"},
		{"=?utf-8?q?=0D=0ABcc:x?=", "=?utf-8?b?DQpCY2M6?=", `"x" <y@z>`, "x@example.org", "дарья@пример.рф", "\u202e", "é:à"},
		{strings.Repeat("x", 300), strings.Repeat("é", 300), strings.Repeat("王 ", 100), "events@example.org", "events@example.org", "", ""},
		{"{{.Name}}", "BEGIN:VCALENDAR\r\nMETHOD:PUBLISH", "\\n;,:", "info@münchen.de", "info@münchen.de", "--convened-", "."},
		{"👩‍👩‍👧‍👦", "\xff\xfe", "\x00", "a@b.c", "o'brien@example.ie", "\n.\r\n", "=?"},
	} {
		f.Add(s.name, s.title, s.organizer, s.from, s.email, s.place, s.slug, uint8(len(s.name)))
	}
	c := newComposer(f, nil)
	f.Fuzz(func(t *testing.T, name, title, organizer, from, email, place, slug string, which uint8) {
		kinds, languages := convened.Kinds(), convened.Languages()
		claim := claimOf(t, kinds[int(which)%len(kinds)], languages[int(which>>4)%len(languages)])
		claim.Registration.Name, claim.Registration.Email = name, email
		claim.Event.Title = convened.Text{"fr": title}
		claim.Event.Location = convened.Text{"en": place, "es": title}
		claim.Event.Organizer = convened.Organizer{Name: organizer, Email: from}
		claim.Event.Slug = slug
		l, err := c.Compose(testNow, claim)
		if err != nil {
			if !errors.Is(err, convened.ErrRefused) {
				t.Fatalf("Compose: %v", err)
			}
			if len(email) > 4 && strings.Contains(email, "@") && strings.Contains(err.Error(), email) {
				t.Fatalf("Compose: %v repeats the address", err)
			}
			return
		}
		if !strings.Contains(email, l.To) && !strings.Contains(l.To, "@xn--") && !strings.EqualFold(strings.TrimSpace(email), l.To) && !l.SMTPUTF8 {
			// The domain was in upper case or had to be mapped; the local part is as it was.
			local, _, _ := strings.Cut(l.To, "@")
			if !strings.Contains(email, local) {
				t.Errorf("a letter for %q goes to %q", email, l.To)
			}
		}
		checkLetter(t, claim, l)
		verifySignature(t, c.signer, l.Data)
		again, err := c.Compose(testNow, claim)
		if err != nil || !bytes.Equal(again.Data, l.Data) {
			t.Errorf("composed again it is another letter, %v", err)
		}
	})
}
