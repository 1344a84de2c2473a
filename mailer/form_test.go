package mailer

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"convened"
	"convened/templates"
)

// oddNames are names that something on the way cleans, escapes, encodes or folds.
var oddNames = []string{
	"", "Ana", "Amélie Laurent", "O'Neil & Söhne <b>\"quoted\"</b>", `back\slash, comma; semicolon: colon`, "A=B ? =?UTF-8?Q?x?= .dot", "..", ".", "=", "a+b",
	"مريم العربي", "דנה לוי", "dana דנה", "山田太郎", "👩‍👩‍👧‍👦 family", "e\u0301 combining", "non\u00a0breaking\u202fspaces", "tab\tand\nline\r\nends", "\u202eturned\u202c around\x00\x07",
	"https://evil.example/x", "www.evil.example", "mailto:evil@example.org", "- a bullet", "• a bullet", "Zoë – dash…", strings.Repeat("long ", 60), strings.Repeat("x", 500), strings.Repeat("é", 130),
	strings.Repeat("山", 90), "name with  two spaces ", " \u00a0 ", "{name} {{.Name}}", "</script><!--", "\u2028line\u2029separators", "\xff\xfebroken", "trailing=", "From here", "- - -", "{title}",
}

// slowly is a composer that has no forms.
func slowly(t testing.TB, change func(*ComposerOptions)) *Composer {
	c := newComposer(t, change)
	c.outline = func(time.Time, *convened.Claim, templates.Links, string) (*templates.Form, error) { return nil, nil }
	return c
}

// formed counts the forms that a composer has made.
func formed(c *Composer) int {
	n := 0
	for _, f := range c.forms.young {
		if f != nil {
			n++
		}
	}
	return n
}

// sameAgain composes a claim several times, so that the last ones come from a
// form, and wants the letter that the long way makes.
func sameAgain(t testing.TB, fast, slow *Composer, now time.Time, claim *convened.Claim) {
	t.Helper()
	want, wantErr := slow.Compose(now, claim)
	var data []byte
	if wantErr == nil {
		data = want.Data
	}
	for i := range 3 {
		way := fast.Compose
		if i == 2 {
			way = fast.Draft
		}
		got, err := way(now, claim)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("time %d: %v, want %v", i, err, wantErr)
		}
		if err != nil {
			continue
		}
		dotted, err := check(got)
		if !bytes.Equal(got.Data, want.Data) {
			t.Fatalf("time %d: %s", i, firstDifference(got.Data, want.Data))
		}
		if stuffed, wantErr := stuffDots(want.Data); err != nil || wantErr != nil || !bytes.Equal(onWire(dotted), onWire(stuffed)) {
			t.Fatalf("time %d: it goes on the wire with %v, %v: %s", i, err, wantErr, firstDifference(onWire(dotted), onWire(stuffed)))
		}
		if got.sheet != nil && !got.sheet.checked {
			t.Fatalf("time %d: it comes from a form, and its lines were not looked at", i)
		}
		if got.Data, want.Data, got.sheet = nil, nil, nil; fmt.Sprintf("%+v", *got) != fmt.Sprintf("%+v", *want) {
			t.Fatalf("time %d: %+v, want %+v", i, *got, *want)
		}
		want.Data = data
	}
}

func firstDifference(got, want []byte) string {
	a, b := strings.Split(string(got), "\r\n"), strings.Split(string(want), "\r\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d is\n%q\nwant\n%q", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(a), len(b))
}

func TestALetterFromAFormIsByteForByteTheOneThatIsMadeTheLongWay(t *testing.T) {
	t.Parallel()
	unsigned := func(o *ComposerOptions) { o.Signer = nil }
	slow := slowly(t, unsigned)
	for _, kind := range convened.Kinds() {
		for _, language := range convened.Languages() {
			t.Run(string(kind)+" "+language, func(t *testing.T) {
				t.Parallel()
				fast := newComposer(t, unsigned)
				for _, passages := range []bool{false, true} {
					base := claimOf(t, kind, language)
					if passages {
						base.Event.Introduction = convened.Text{language: "Dear {name},\n- {name}, see {manage_url}\n\n{name} https://example.org/{starts_in}\n\n.\n\n.{name}\n\n{name}."}
						base.Event.Description = convened.Text{language: ".\n\n..\n\n.a line that begins with a dot"}
						if base.Reminder != nil {
							base.Reminder.Note = convened.Text{language: "{name}: {your_start}. {cancel_url}"}
						}
					}
					for i, name := range oddNames {
						claim := *base
						claim.Notice.ID += convened.NoticeID(i)
						claim.Registration.ID += convened.RegistrationID(i)
						claim.Registration.Name = name
						claim.Registration.Email = []string{"amelie@example.net", strings.Repeat("long", 15) + "@" + strings.Repeat("subdomain.", 15) + "example.net", "a+b=c/d@büro.example", "x@example.org"}[i%4]
						claim.Registration.UID = fmt.Sprintf("%08x-6a5e-7c1d-9b40-3f2a1e5d7c86", i*7919)
						claim.Registration.Sequence = i % 3
						claim.Registration.SequencedAt = testNow.Add(-time.Duration(i) * time.Hour)
						sameAgain(t, fast, slow, testNow, &claim)
					}
				}
				if formed(fast) == 0 {
					t.Error("no form was made, and all letters came the long way")
				}
			})
		}
	}
}

// What is not the person's own is in the shape, and two shapes have two forms.
func TestAFormServesNobodyWhoseLetterSaysSomethingElse(t *testing.T) {
	t.Parallel()
	unsigned := func(o *ComposerOptions) { o.Signer = nil }
	fast, slow := newComposer(t, unsigned), slowly(t, unsigned)
	base := claimOf(t, convened.ReminderKind, "en")
	sameAgain(t, fast, slow, testNow, base)
	for name, change := range map[string]func(*convened.Claim) time.Time{
		"another zone":        func(c *convened.Claim) time.Time { c.Registration.Zone = "Asia/Tokyo"; return testNow },
		"a zone that is none": func(c *convened.Claim) time.Time { c.Registration.Zone = "CET"; return testNow },
		"another language":    func(c *convened.Claim) time.Time { c.Registration.Language = "es"; return testNow },
		"an hour before":      func(c *convened.Claim) time.Time { return c.Event.Starts.Add(-time.Hour) },
		"59 minutes before":   func(c *convened.Claim) time.Time { return c.Event.Starts.Add(-59 * time.Minute) },
		"after the start":     func(c *convened.Claim) time.Time { return c.Event.Starts.Add(time.Minute) },
		"after the end":       func(c *convened.Claim) time.Time { return c.Event.Ends.Add(time.Minute) },
		"declined":            func(c *convened.Claim) time.Time { c.Registration.DeclinedAt = testNow; return testNow },
		"the seat given up":   func(c *convened.Claim) time.Time { c.Registration.CancelledAt = testNow; return testNow },
		"an edited event": func(c *convened.Claim) time.Time {
			c.Event.JoinURL, c.Event.Revision = "https://other.example", 5
			return testNow
		},
		"an event edited in hand": func(c *convened.Claim) time.Time { c.Event.Title = convened.Text{"en": "Other"}; return testNow },
		"no thread":               func(c *convened.Claim) time.Time { c.ThreadID = ""; return testNow },
		"another rule": func(c *convened.Claim) time.Time {
			c.Reminder = &convened.Reminder{Key: "x", Note: convened.Text{"en": "Note"}}
			return testNow
		},
		"the organiser":            func(c *convened.Claim) time.Time { c.Registration.Email = "Webinars@example.org"; return testNow },
		"an international address": func(c *convened.Claim) time.Time { c.Registration.Email = "zoë@example.net"; return testNow },
		"an address that is none":  func(c *convened.Claim) time.Time { c.Registration.Email = "zoë@@example.net"; return testNow },
		"a trial":                  func(c *convened.Claim) time.Time { c.Test = true; return testNow },
		"a made-up UID":            func(c *convened.Claim) time.Time { c.Registration.UID = "a b"; return testNow },
		"no date of registering":   func(c *convened.Claim) time.Time { c.Registration.CreatedAt = time.Time{}; return testNow },
		"no row":                   func(c *convened.Claim) time.Time { c.Notice.ID = 0; return testNow },
		"a Message-ID of its own":  func(c *convened.Claim) time.Time { c.Notice.MessageID = "kept.1.abc@example.org"; return testNow },
		"the confirmation itself": func(c *convened.Claim) time.Time {
			c.Notice.Kind, c.Notice.Occasion = convened.Confirmation, "1"
			return testNow
		},
		"a second confirmation": func(c *convened.Claim) time.Time {
			c.Notice.Kind, c.Notice.Occasion = convened.Confirmation, "2"
			return testNow
		},
		"a folded reminder": func(c *convened.Claim) time.Time {
			c.Notice.Kind, c.Folded = convened.Confirmation, []convened.Occasion{{Key: "before 24h"}}
			return testNow
		},
	} {
		t.Run(name, func(t *testing.T) {
			claim := *base
			now := change(&claim)
			sameAgain(t, fast, slow, now, &claim)
			sameAgain(t, fast, slow, testNow, base)
		})
	}
}

func TestAFormIsNotMadeOfTemplatesThatAreNotOurs(t *testing.T) {
	t.Parallel()
	set := templatesWith(t, "reminder/en.tmpl", `{{define "lead"}}{{if eq .Name "Ana"}}You are {{.Name}}.{{else}}You are not.{{end}}{{end}}`)
	change := func(o *ComposerOptions) { o.Templates, o.Signer = set, nil }
	fast, slow := newComposer(t, change), slowly(t, change)
	for _, name := range []string{"Bob", "Bob", "Bob", "Ana", "Carl", "Ana"} {
		claim := claimOf(t, convened.ReminderKind, "en")
		claim.Registration.Name = name
		sameAgain(t, fast, slow, testNow, claim)
	}
	if formed(fast) != 0 {
		t.Error("a form was made")
	}
}

func TestAnyNameIsSetInAsItIsComposed(t *testing.T) {
	unsigned := func(o *ComposerOptions) { o.Signer = nil }
	fast, slow := newComposer(t, unsigned), slowly(t, unsigned)
	base := claimOf(t, convened.Confirmation, "fr")
	base.Event.Introduction = convened.Text{"fr": "{name} : bienvenue {name}"}
	rapid.Check(t, func(r *rapid.T) {
		claim := *base
		claim.Registration.Name = rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]{0,90}`), rapid.SampledFrom(oddNames)).Draw(r, "name")
		sameAgain(t, fast, slow, testNow, &claim)
	})
}

func TestFormsAreBounded(t *testing.T) {
	t.Parallel()
	c := newComposer(t, func(o *ComposerOptions) { o.Signer = nil })
	claim := claimOf(t, convened.ReminderKind, "en")
	for i := range 3 * maxForms {
		claim.Event.Revision = i
		compose(t, c, testNow, claim)
		compose(t, c, testNow, claim)
	}
	if n := len(c.forms.young) + len(c.forms.old); n > 2*maxForms || len(c.forms.closed) > maxForms {
		t.Errorf("it keeps %d forms and %d that can't be", n, len(c.forms.closed))
	}
}

// templatesWith are the built-in templates with one file over them.
func templatesWith(t *testing.T, name, text string) *templates.Set {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := templates.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
