package mailer

import (
	"bytes"
	"errors"
	"mime/quotedprintable"
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

// FuzzForm has anybody type anything, and organisers too. What comes from a form
// goes on the wire as what the long way writes does, checked in full.
func FuzzForm(f *testing.F) {
	for _, name := range oddNames {
		f.Add(name, "amelie@example.net", "Dear {name},\n.{name}\n\n.", uint8(len(name)))
	}
	f.Add("a\r\n.\r\nMAIL FROM:<x@y.z>", "o'brien@example.ie", "\n.\n", uint8(1))
	f.Add(".", ".@example.org", ".", uint8(2))
	f.Add("x", strings.Repeat("a", 64)+"@example.org", "{name}\r.\r\n", uint8(3))
	unsigned := func(o *ComposerOptions) { o.Signer = nil }
	slow := slowly(f, unsigned)
	f.Fuzz(func(t *testing.T, name, email, note string, which uint8) {
		kinds, languages := convened.Kinds(), convened.Languages()
		claim := claimOf(t, kinds[int(which)%len(kinds)], languages[int(which>>4)%len(languages)])
		claim.Registration.Name, claim.Registration.Email = name, email
		claim.Event.Introduction, claim.Event.Description = convened.Text{"en": note}, convened.Text{"fr": note}
		sameAgain(t, newComposer(t, unsigned), slow, testNow, claim)
	})
}

// FuzzQuoted compares with the standard library, whose writer takes a line end for
// one wherever it stands.
func FuzzQuoted(f *testing.F) {
	for _, s := range []string{"", "a\n", "a \n\t\r\n \n", "=\n", "\u00e9\n", strings.Repeat("x", 74) + " \n", strings.Repeat("x", 75) + "\n", strings.Repeat("x", 76) + "\n",
		strings.Repeat("x", 72) + " \n", strings.Repeat("x", 73) + "\t\n", strings.Repeat("x", 73) + "\u00e9\n", strings.Repeat("\u5c71", 40) + "\n", strings.Repeat("x ", 100) + "\n", "no end ", "\x00\x7f\xff\n", "\n\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		s = bytes.ReplaceAll(bytes.ReplaceAll(s, []byte("\r\n"), []byte("\n")), []byte("\r"), nil)
		for _, end := range []string{"\n", "\r\n"} {
			in := bytes.ReplaceAll(s, []byte("\n"), []byte(end))
			var want bytes.Buffer
			w := quotedprintable.NewWriter(&want)
			if _, err := w.Write(in); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if got := quoted([]byte("before"), in); string(got) != "before"+want.String() {
				t.Errorf("quoted(%q) is\n%q\nwant\n%q", in, got[6:], want.String())
			}
		}
	})
}
