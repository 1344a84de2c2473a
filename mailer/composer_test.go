package mailer

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"convened"
	"convened/calendar"
	"convened/templates"
)

// testKeys sign the links of the tests.
var testKeys = convened.Keyring{{ID: 2, Secret: bytes.Repeat([]byte{2}, 32)}, {ID: 1, Secret: bytes.Repeat([]byte{1}, 32)}}

// testSigner signs with the same key in each run, so that goldens stay.
func testSigner(t testing.TB) *Signer {
	t.Helper()
	return signerFor(t, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)))
}

func signerFor(t testing.TB, key any) *Signer {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSigner("example.org", "convened1", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func composerOptions(t testing.TB) ComposerOptions {
	t.Helper()
	return ComposerOptions{
		From: "Metropolis <events@example.org>", ReplyTo: "office@example.org", BounceDomain: "bounce.example.org",
		PublicURL: "https://events.example.org", Keys: testKeys, Signer: testSigner(t), Version: "1.2.3",
	}
}

func newComposer(t testing.TB, change func(*ComposerOptions)) *Composer {
	t.Helper()
	o := composerOptions(t)
	if change != nil {
		change(&o)
	}
	c, err := NewComposer(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// claimOf is the claim of one letter about a webinar, the same each time.
func claimOf(t testing.TB, kind convened.Kind, language string) *convened.Claim {
	t.Helper()
	e := convened.Event{
		Slug: "internationalisation-metropolitan-spaces",
		Title: convened.Text{"fr": "L’internationalisation des espaces métropolitains", "en": "Internationalisation and metropolitan spaces",
			"es": "La internacionalización de los espacios metropolitanos"},
		Description: convened.Text{"fr": "Comment les villes agissent-elles à l’international ?", "en": "How do cities act internationally?",
			"es": "¿Cómo actúan las ciudades a escala internacional?"},
		Location: convened.Text{"fr": "En ligne", "en": "Online", "es": "En línea"},
		Language: "fr", HeldIn: "fr", Zone: "Europe/Brussels",
		StartsLocal: convened.Wall{Year: 2026, Month: 11, Day: 25, Hour: 16}, EndsLocal: convened.Wall{Year: 2026, Month: 11, Day: 25, Hour: 17},
		JoinURL: "https://meet.example.org/join?room=7&lang=fr", PageURL: "https://www.example.org/webinars/metropolitan-spaces",
		Organizer: convened.Organizer{Name: "Metropolis", Email: "webinars@example.org"}, Status: convened.Scheduled,
		Sequence: 1, Revision: 4, SequencedAt: testNow.Add(-72 * time.Hour), CreatedAt: testNow.Add(-240 * time.Hour),
	}
	if err := e.Derive(); err != nil {
		t.Fatal(err)
	}
	r := convened.Registration{ID: 4217, UID: "0192f3c8-6a5e-7c1d-9b40-3f2a1e5d7c86", Event: e.Slug, Email: "amelie@example.net", Name: "Amélie Laurent",
		Language: language, Zone: "America/Montreal", CreatedAt: testNow.Add(-100 * time.Hour), PlannedAt: testNow.Add(-100 * time.Hour)}
	c := &convened.Claim{
		Notice:   convened.Notice{ID: 90125, Registration: r.ID, Event: e.Slug, Kind: kind, Occasion: "1", Attempt: 1},
		ThreadID: "confirmation.90001.0192f3c86a5e@example.org",
	}
	switch kind {
	case convened.Confirmation:
		c.ThreadID = ""
	case convened.ReminderKind:
		c.Reminder = &convened.Reminder{Key: "before 24h", Rule: "before 24h", Late: convened.Fold}
	case convened.Update:
		was := e
		was.StartsLocal.Hour, was.EndsLocal.Hour = 10, 11
		if err := was.Derive(); err != nil {
			t.Fatal(err)
		}
		c.Was = &was
	case convened.Cancellation:
		e.Status, e.Sequence = convened.EventIsOff, 2
	case convened.Followup:
		c.Reminder = &convened.Reminder{Key: "after 2h", Rule: "after 2h", Late: convened.Skip, Template: "followup"}
	}
	c.Event, c.Registration = e, r
	return c
}

func compose(t testing.TB, c *Composer, now time.Time, claim *convened.Claim) *Letter {
	t.Helper()
	l, err := c.Compose(now, claim)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// headerOf returns one field of a letter, unfolded; "" if there is none.
func headerOf(l *Letter, name string) string {
	head, _, _ := bytes.Cut(l.Data, []byte("\r\n\r\n"))
	_, value, _ := strings.Cut(unfold(head)[strings.ToLower(name)], ":")
	return strings.TrimSpace(value)
}

// TestLettersOfEveryKindAndLanguage keeps every letter as a golden file, as it
// goes over the wire.
func TestLettersOfEveryKindAndLanguage(t *testing.T) {
	c := newComposer(t, nil)
	for _, kind := range convened.Kinds() {
		for _, language := range convened.Languages() {
			t.Run(fmt.Sprintf("%s %s", kind, language), func(t *testing.T) {
				now := testNow
				if kind == convened.Followup {
					now = testNow.Add(26 * time.Hour)
				}
				claim := claimOf(t, kind, language)
				l := compose(t, c, now, claim)
				checkLetter(t, claim, l)
				verifySignature(t, c.signer, l.Data)
				if got := headerOf(l, "Content-Language"); got != language {
					t.Errorf("Content-Language is %q", got)
				}
				file := filepath.Join("testdata", "letters", fmt.Sprintf("%s.%s.eml", kind, language))
				if *update {
					if err := os.WriteFile(file, l.Data, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(l.Data, want) {
					t.Errorf("the letter is not %s; look at it with -update and git diff", file)
				}
			})
		}
	}
}

func TestEverySampleOfTheTemplatesBecomesALetter(t *testing.T) {
	c := newComposer(t, nil)
	for _, s := range templates.Samples() {
		if s.Claim.Notice.Kind == convened.Preflight && s.Claim.Event.Organizer.Email == "" {
			continue // nobody to write to
		}
		if s.Claim.Registration.CreatedAt.IsZero() {
			s.Claim.Registration.CreatedAt = s.Now
		}
		l, err := c.Compose(s.Now, s.Claim)
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
			continue
		}
		checkLetter(t, s.Claim, l)
		if t.Failed() {
			t.Fatalf("%s:\n%s", s.Name, l.Data)
		}
	}
}

func TestRetryIsTheSameLetter(t *testing.T) {
	for _, kind := range convened.Kinds() {
		claim := claimOf(t, kind, "fr")
		first := compose(t, newComposer(t, nil), testNow, claim)
		again := claimOf(t, kind, "fr")
		// By now the row holds what the first attempt was marked with.
		again.Notice.MessageID, again.Notice.Attempt = first.MessageID, 2
		second := compose(t, newComposer(t, nil), testNow, again)
		if !bytes.Equal(first.Data, second.Data) {
			t.Errorf("%s: composed again it is another letter", kind)
		}
		if second.Attempt != 2 || second.MessageID != first.MessageID || second.From != first.From {
			t.Errorf("%s: the second is %+v", kind, second)
		}
		later := compose(t, newComposer(t, nil), testNow.Add(time.Minute), again)
		if later.MessageID != first.MessageID || headerOf(later, "Date") == headerOf(first, "Date") {
			t.Errorf("%s: a minute later it is <%s> of %s", kind, later.MessageID, headerOf(later, "Date"))
		}
		if calendarOf(t, later) != calendarOf(t, first) {
			t.Errorf("%s: a minute later it is another invitation", kind)
		}
	}
}

// calendarOf returns the inline invitation.
func calendarOf(t testing.TB, l *Letter) string {
	t.Helper()
	m := regexp.MustCompile(`(?s)application/ics; name="invite.ics"\r\n\r\n(.*?)\r\n--`).FindSubmatch(l.Data)
	if m == nil {
		return ""
	}
	return string(m[1])
}

func TestReminderRepeatsTheInvitationOfTheConfirmation(t *testing.T) {
	c := newComposer(t, nil)
	want := calendarOf(t, compose(t, c, testNow, claimOf(t, convened.Confirmation, "es")))
	for _, kind := range []convened.Kind{convened.ReminderKind, convened.Update} {
		if got := calendarOf(t, compose(t, c, testNow.Add(time.Hour), claimOf(t, kind, "es"))); got != want || got == "" {
			t.Errorf("the invitation of the %s is not that of the confirmation", kind)
		}
	}
}

func TestInvitationSaysWhatTheClaimSays(t *testing.T) {
	c := newComposer(t, nil)
	claim := claimOf(t, convened.Confirmation, "fr")
	claim.Registration.Sequence, claim.Registration.SequencedAt = 2, testNow.Add(-time.Hour)
	inv, err := c.Invitation(testNow, claim)
	if err != nil {
		t.Fatal(err)
	}
	want := calendar.Invitation{
		Method: calendar.Request, UID: claim.Registration.UID, Sequence: 3, Stamp: testNow.Add(-time.Hour), Created: claim.Registration.CreatedAt,
		Starts: claim.Event.Starts, Ends: claim.Event.Ends, Zone: "Europe/Brussels", Language: "fr",
		Summary: "L’internationalisation des espaces métropolitains", Location: "En ligne",
		Description: "Comment les villes agissent-elles à l’international ?\n\n" +
			"Participer\u00a0: https://meet.example.org/join?room=7&lang=fr\nPage de l’événement\u00a0: https://www.example.org/webinars/metropolitan-spaces",
		URL:       "https://meet.example.org/join?room=7&lang=fr",
		Organizer: calendar.Person{Name: "Metropolis", Email: "webinars@example.org"},
		Attendee:  calendar.Person{Name: "Amélie Laurent", Email: "amelie@example.net"},
		Alarm:     15 * time.Minute,
	}
	if *inv != want {
		t.Errorf("the invitation is\n%+v, want\n%+v", *inv, want)
	}

	claim.Registration.CancelledAt = testNow
	claim.Event.JoinURL = "javascript:alert(1)"
	claim.Event.Title = convened.Text{"de": "Räume"}
	if inv, err = c.Invitation(testNow, claim); err != nil {
		t.Fatal(err)
	}
	if inv.Method != calendar.Cancel || inv.Alarm != 0 {
		t.Errorf("who left gets %s with an alarm of %v", inv.Method, inv.Alarm)
	}
	if inv.URL != claim.Event.PageURL || strings.Contains(inv.Description, "javascript") {
		t.Errorf("the URL is %q, the description %q", inv.URL, inv.Description)
	}
	if inv.Summary != "Räume" || inv.Language != "" {
		t.Errorf("%q is said to be in %q", inv.Summary, inv.Language)
	}
}

func TestWhoHasNoAddressHasNoInvitation(t *testing.T) {
	claim := claimOf(t, convened.Confirmation, "fr")
	claim.Registration.Email = "amelie at home"
	if _, err := newComposer(t, nil).Invitation(testNow, claim); !errors.Is(err, convened.ErrRefused) || strings.Contains(err.Error(), "amelie") {
		t.Errorf("the error is %v", err)
	}
}

func TestOrganizerIsOneThatCalendarsBelieve(t *testing.T) {
	for _, tt := range []struct {
		name, organizer, email string // the event's
		to                     string
		wantName, wantEmail    string
		wantReplyTo            string
	}{
		{"of the sender's domain", "Métropole", "webinars@EXAMPLE.org", "", "Métropole", "webinars@example.org", "=?UTF-8?Q?M=C3=A9tropole?= <webinars@example.org>"},
		{"of another domain", "Metropolis", "office@metropolis.example", "", "Metropolis", "events@example.org", `"Metropolis" <office@metropolis.example>`},
		{"of a domain below", "Metropolis", "office@sub.example.org", "", "Metropolis", "events@example.org", `"Metropolis" <office@sub.example.org>`},
		{"without an address", "Metropolis", "", "", "Metropolis", "events@example.org", "<office@example.org>"},
		{"without a name", "", "webinars@example.org", "", "Metropolis", "webinars@example.org", "<webinars@example.org>"},
		{"with an address that is none", "Metropolis", "webinars@example.org\r\nBcc: x@y.z", "", "Metropolis", "events@example.org", "<office@example.org>"},
		{"beyond ASCII", "Metropolis", "webinaires-été@example.org", "", "Metropolis", "events@example.org", "<office@example.org>"},
		{"the recipient", "Metropolis", "webinars@example.org", "Webinars@Example.org", "Metropolis", "events@example.org", `"Metropolis" <webinars@example.org>`},
	} {
		claim := claimOf(t, convened.Confirmation, "en")
		claim.Event.Organizer = convened.Organizer{Name: tt.organizer, Email: tt.email}
		if tt.to != "" {
			claim.Registration.Email = tt.to
		}
		c := newComposer(t, nil)
		to, err := recipient(claim)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := c.organizer(&claim.Event, to), (calendar.Person{Name: tt.wantName, Email: tt.wantEmail}); got != want {
			t.Errorf("%s: the organizer is %+v, want %+v", tt.name, got, want)
		}
		l := compose(t, c, testNow, claim)
		checkLetter(t, claim, l)
		if got := headerOf(l, "Reply-To"); got != tt.wantReplyTo {
			t.Errorf("%s: Reply-To is %q, want %q", tt.name, got, tt.wantReplyTo)
		}
	}
	claim := claimOf(t, convened.Confirmation, "en")
	claim.Event.Organizer.Email = ""
	l := compose(t, newComposer(t, func(o *ComposerOptions) { o.ReplyTo = "" }), testNow, claim)
	if got, want := headerOf(l, "Reply-To"), `"Metropolis" <events@example.org>`; got != want {
		t.Errorf("with nothing to reply to, Reply-To is %q, want %q", got, want)
	}
}

func TestPeopleBeyondASCIIGetTheirLetters(t *testing.T) {
	c := newComposer(t, nil)
	for _, tt := range []struct {
		email, to, domain string
		utf8              bool
		header            string
	}{
		{"info@münchen.de", "info@xn--mnchen-3ya.de", "xn--mnchen-3ya.de", false, "=?UTF-8?Q?Am=C3=A9lie_Laurent?= <info@xn--mnchen-3ya.de>"},
		{"дарья@пример.рф", "дарья@xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai", true, "=?UTF-8?Q?Am=C3=A9lie_Laurent?= <дарья@xn--e1afmkfd.xn--p1ai>"},
	} {
		claim := claimOf(t, convened.Confirmation, "fr")
		claim.Registration.Email = tt.email
		l := compose(t, c, testNow, claim)
		checkLetter(t, claim, l)
		verifySignature(t, c.signer, l.Data)
		if l.To != tt.to || l.Domain != tt.domain || l.SMTPUTF8 != tt.utf8 {
			t.Errorf("%s: the envelope is to %s at %s, SMTPUTF8 %v", tt.email, l.To, l.Domain, l.SMTPUTF8)
		}
		if got := headerOf(l, "To"); got != tt.header {
			t.Errorf("%s: To is %q, want %q", tt.email, got, tt.header)
		}
	}
}

func TestNamesStayNames(t *testing.T) {
	c := newComposer(t, nil)
	for _, tt := range []struct{ name, want string }{
		{"", "<amelie@example.net>"},
		{"Ana", `"Ana" <amelie@example.net>`},
		{"  Ana \t María  ", "=?UTF-8?Q?Ana_Mar=C3=ADa?= <amelie@example.net>"},
		{`Ana "la jefa" \ López`, "=?UTF-8?Q?Ana_=22la_jefa=22_=5C_L=C3=B3pez?= <amelie@example.net>"},
		{`Ana "x" \`, `"Ana \"x\" \\" <amelie@example.net>`},
		{"Ana\r\nBcc: eve@example.com", `"Ana Bcc: eve@example.com" <amelie@example.net>`},
		{"Ana\x00\u202egnp.exe", `"Anagnp.exe" <amelie@example.net>`},
		{"eve@example.com", `"eve@example.com" <amelie@example.net>`},
		{"<eve@example.com>,", `"<eve@example.com>," <amelie@example.net>`},
		{"=?utf-8?q?=0D=0ABcc:?=", "=?UTF-8?B?PT91dGYtOD9xPz0wRD0wQUJjYzo/PQ==?= <amelie@example.net>"},
		{"Win a prize at https://evil.example", "<amelie@example.net>"},
		{"www.evil.example", "<amelie@example.net>"},
		{"王小明", "=?UTF-8?B?546L5bCP5piO?= <amelie@example.net>"},
		{"\xff\xfe", "=?UTF-8?B?77+9?= <amelie@example.net>"},
		{"\u200b\u00ad", "<amelie@example.net>"},
	} {
		claim := claimOf(t, convened.Confirmation, "fr")
		claim.Registration.Name = tt.name
		l := compose(t, c, testNow, claim)
		checkLetter(t, claim, l)
		if got := headerOf(l, "To"); got != tt.want {
			t.Errorf("%q: To is %q, want %q", tt.name, got, tt.want)
		}
	}
	for _, long := range []string{strings.Repeat("é", 200), strings.Repeat("x", 200), strings.Repeat("王", 200), strings.Repeat("x ", 100), strings.Repeat("👩‍👩‍👧‍👦", 50)} {
		claim := claimOf(t, convened.Confirmation, "fr")
		claim.Registration.Name, claim.Event.Title = long, convened.Text{"fr": long}
		claim.Event.Organizer.Name = long
		checkLetter(t, claim, compose(t, c, testNow, claim))
	}
}

func TestMessageIDComesFromTheRow(t *testing.T) {
	c := newComposer(t, func(o *ComposerOptions) { o.From = "Métropole <a@événements.example.org>"; o.Signer = nil })
	claim := claimOf(t, convened.ReminderKind, "fr")
	if got, want := c.messageID(claim), "reminder.90125.0192f3c86a5e@xn--vnements-90ab.example.org"; got != want {
		t.Errorf("the Message-ID is %s, want %s", got, want)
	}
	claim.Notice.MessageID = "reminder.90125.0192f3c86a5e@old.example.org"
	if got := c.messageID(claim); got != claim.Notice.MessageID {
		t.Errorf("the Message-ID is %s, want that of the row", got)
	}
	claim.Notice.MessageID, claim.Registration.UID = "", "not-a-uuid"
	if got := c.messageID(claim); !isMessageID(got) || strings.Contains(got, "not") {
		t.Errorf("the Message-ID is %s", got)
	}
	// A thread that is none is left out; it must not break the header.
	claim.ThreadID = "x>\r\nBcc: eve@example.com"
	l := compose(t, c, testNow, claimOf(t, convened.ReminderKind, "fr"))
	if headerOf(l, "In-Reply-To") == "" {
		t.Error("a reminder has no thread")
	}
	claim.Registration.UID = "0192f3c8-6a5e-7c1d-9b40-3f2a1e5d7c86"
	if l := compose(t, c, testNow, claim); headerOf(l, "In-Reply-To") != "" || headerOf(l, "Bcc") != "" {
		t.Errorf("the thread is %q", headerOf(l, "In-Reply-To"))
	}
}

func TestReturnPathNamesTheNoticeToUsAlone(t *testing.T) {
	c := newComposer(t, nil)
	for _, id := range []convened.NoticeID{1, 90125, 1<<63 - 1} {
		path := c.returnPath(id)
		if local, _, _ := strings.Cut(path, "@"); len(local) > 64 {
			t.Errorf("%s has a local part of %d octets", path, len(local))
		}
		for _, s := range []string{path, "<" + path + ">", strings.ToUpper(path), " " + path + "\r\n"} {
			if got, ok := c.ParseReturnPath(s); !ok || got != id {
				t.Errorf("ParseReturnPath(%q) = %d, %v", s, got, ok)
			}
		}
	}
	old := newComposer(t, func(o *ComposerOptions) { o.Keys = testKeys[1:] })
	if got, ok := c.ParseReturnPath(old.returnPath(7)); !ok || got != 7 {
		t.Errorf("after a rotation: %d, %v", got, ok)
	}
	if _, ok := old.ParseReturnPath(c.returnPath(7)); ok {
		t.Error("a key that is not ours verifies")
	}
	path := c.returnPath(90125)
	for _, s := range []string{"", "@", "bounce", "bounce@bounce.example.org", "bounce+@bounce.example.org", "bounce+90125@bounce.example.org",
		"bounce+90125.@bounce.example.org", strings.Replace(path, "90125", "90126", 1), strings.Replace(path, "90125", "090125", 1),
		strings.Replace(path, "90125", "+90125", 1), strings.Replace(path, "90125", "-90125", 1), strings.Replace(path, "90125", "0", 1),
		strings.Replace(path, "@bounce.", "@", 1), path[:len(path)-1], path[1:], strings.Replace(path, ".example", "0.example", 1),
		strings.Replace(path, "@", "00@", 1)} {
		if got, ok := c.ParseReturnPath(s); ok {
			t.Errorf("ParseReturnPath(%q) = %d", s, got)
		}
	}
	none := newComposer(t, func(o *ComposerOptions) { o.BounceDomain = "" })
	if got := none.returnPath(7); got != "events@example.org" {
		t.Errorf("without a bounce domain the return path is %s", got)
	}
	if _, ok := none.ParseReturnPath(path); ok {
		t.Error("without a bounce domain a return path is read")
	}
	if got := c.returnPath(0); got != "events@example.org" {
		t.Errorf("without a row the return path is %s", got)
	}
}

func TestComposeRefusesWhatCanNeverBeALetter(t *testing.T) {
	c := newComposer(t, nil)
	for name, change := range map[string]func(*convened.Claim){
		"no address":       func(c *convened.Claim) { c.Registration.Email = "" },
		"poisoned address": func(c *convened.Claim) { c.Registration.Email = "secret@example.net\r\nRCPT TO:<x@y.z>" },
		"two addresses":    func(c *convened.Claim) { c.Registration.Email = "secret@example.net, x@y.z" },
		"no kind":          func(c *convened.Claim) { c.Notice.Kind = "greeting" },
		"no UID":           func(c *convened.Claim) { c.Registration.UID = "" },
		"ends before it starts": func(c *convened.Claim) {
			c.Event.Ends = c.Event.Starts.Add(-time.Hour)
		},
		"a Message-ID that is none": func(c *convened.Claim) { c.Notice.MessageID = "secret>\r\nBcc: x@y.z" },
		"a preflight to nobody": func(c *convened.Claim) {
			c.Notice.Kind, c.Event.Organizer.Email, c.Registration = convened.Preflight, "", convened.Registration{}
		},
	} {
		claim := claimOf(t, convened.Confirmation, "fr")
		change(claim)
		l, err := c.Compose(testNow, claim)
		if l != nil || !errors.Is(err, convened.ErrRefused) {
			t.Errorf("%s: %v, want it refused", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v repeats the address", name, err)
		}
	}
}

func TestNovelOfAnOrganiserIsCutBeforeItIsALetter(t *testing.T) {
	c := newComposer(t, nil)
	novel := strings.Repeat("roman ", 200_000)
	claim := claimOf(t, convened.Confirmation, "fr")
	claim.Event.Description, claim.Event.Title, claim.Event.Location = convened.Text{"fr": novel}, convened.Text{"fr": novel}, convened.Text{"fr": novel}
	claim.Event.Organizer.Name, claim.Registration.Name, claim.Event.Slug = novel, novel, novel
	l := compose(t, c, testNow, claim)
	checkLetter(t, claim, l)
	if len(l.Data) > 150_000 {
		t.Errorf("the letter has %d bytes", len(l.Data))
	}
	c.render = func(time.Time, *convened.Claim, templates.Links) (templates.Content, error) {
		return templates.Content{Subject: "s", Text: novel, HTML: novel, Language: "fr"}, nil
	}
	if l, err := c.Compose(testNow, claim); l != nil || !errors.Is(err, convened.ErrRefused) {
		t.Errorf("a template that writes a novel: %v, want it refused", err)
	}
}

func TestComposeNeverPanics(t *testing.T) {
	c := newComposer(t, nil)
	if l, err := c.Compose(testNow, nil); l != nil || err == nil {
		t.Errorf("a claim that is nil: %v, %v", l, err)
	}
	for _, thrown := range []any{"amelie@example.net", errors.New("amelie@example.net")} {
		c.render = func(time.Time, *convened.Claim, templates.Links) (templates.Content, error) { panic(thrown) }
		l, err := c.Compose(testNow, claimOf(t, convened.Confirmation, "fr"))
		if l != nil || err == nil || errors.Is(err, convened.ErrRefused) || strings.Contains(err.Error(), "amelie") {
			t.Errorf("a template that panics: %v, %v; want an error that may pass, without the address", l, err)
		}
	}
	c.render = func(time.Time, *convened.Claim, templates.Links) (templates.Content, error) {
		return templates.Content{}, errors.New("no such block")
	}
	if _, err := c.Compose(testNow, claimOf(t, convened.Confirmation, "fr")); err == nil || errors.Is(err, convened.ErrRefused) {
		t.Errorf("a template that fails: %v, want an error that may pass", err)
	}
}

// preflightOf is a claim about all that can be wrong with the webinar.
func preflightOf(t testing.TB, language string) *convened.Claim {
	t.Helper()
	claim := claimOf(t, convened.Confirmation, language)
	claim.Notice = convened.Notice{ID: 90125, Event: claim.Event.Slug, Kind: convened.Preflight, Occasion: convened.PreflightOccasion(claim.Event.Starts), Attempt: 1}
	claim.Registration, claim.Event.Language, claim.Event.JoinURL = convened.Registration{}, language, ""
	claim.Trouble = &convened.Trouble{NoLink: true, Refused: 21,
		Bounced: []convened.RefusedOne{{Email: "amelie@exmaple.net", Words: "550 5.1.1 no such user"}, {Email: "ünknown", Words: "it has no @"}},
		Held:    []convened.Holding{{Cause: convened.CauseFuse, Reason: "more than 20000 confirmations for this event within an hour", Notices: 5000}},
		Unsent:  3, UnsentSince: testNow.Add(-time.Hour), UnsentError: "451 4.3.0 later"}
	return claim
}

func TestAPreflightGoesToTheOrganiserWithoutACalendar(t *testing.T) {
	c := newComposer(t, nil)
	for _, language := range convened.Languages() {
		claim := preflightOf(t, language)
		l := compose(t, c, testNow, claim)
		checkLetter(t, claim, l)
		verifySignature(t, c.signer, l.Data)
		if l.To != "webinars@example.org" || headerOf(l, "List-Unsubscribe") != "" || headerOf(l, "Content-Language") != language || bytes.Contains(l.Data, []byte("BEGIN:VCALENDAR")) {
			t.Errorf("the preflight is\n%s", l.Data)
		}
		if again := compose(t, c, testNow.Add(time.Hour), claim); again.MessageID != l.MessageID {
			t.Errorf("a retry has another Message-ID: %s, not %s", again.MessageID, l.MessageID)
		}
		file := filepath.Join("testdata", "letters", "preflight."+language+".eml")
		if *update {
			if err := os.WriteFile(file, l.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(l.Data, want) {
			t.Errorf("the letter is not %s; look at it with -update and git diff", file)
		}
	}
}

func TestNewComposerNamesEveryWrongKey(t *testing.T) {
	_, err := NewComposer(ComposerOptions{From: "nobody", ReplyTo: "a b", BounceDomain: "bounce domain", PublicURL: "http://events.example.org"})
	for _, want := range []string{"smtp.from", "smtp.reply_to", "smtp.bounce_domain", "public.url", "convened.keys"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewComposer: %v, want it to name %s", err, want)
		}
	}
	for key, change := range map[string]func(*ComposerOptions){
		"smtp.from: is missing":        func(o *ComposerOptions) { o.From = "" },
		"smtp.from: \"é@":              func(o *ComposerOptions) { o.From = "é@example.org" },
		"smtp.dkim.domain":             func(o *ComposerOptions) { o.From = "Other <a@example.com>" },
		"public.url: is missing":       func(o *ComposerOptions) { o.PublicURL = "" },
		"must begin with https":        func(o *ComposerOptions) { o.PublicURL = "ftp://events.example.org" },
		"must have no user":            func(o *ComposerOptions) { o.PublicURL = "https://events.example.org/?x=1" },
		"is not a URL":                 func(o *ComposerOptions) { o.PublicURL = "https://events.example.org/<x>" },
		"key 3 is too short":           func(o *ComposerOptions) { o.Keys = convened.Keyring{{ID: 3, Secret: []byte("short")}} },
		"smtp.bounce_domain: refused:": func(o *ComposerOptions) { o.BounceDomain = "localhost" },
	} {
		o := composerOptions(t)
		change(&o)
		if _, err := NewComposer(o); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("NewComposer: %v, want it to say %q", err, key)
		}
	}
	for _, u := range []string{"https://events.example.org/", "http://localhost:8080", "http://127.0.0.1:8080", "https://example.org/events"} {
		o := composerOptions(t)
		o.PublicURL = u
		c, err := NewComposer(o)
		if err != nil {
			t.Errorf("NewComposer: %v", err)
			continue
		}
		links := c.links(c.token(claimOf(t, convened.Confirmation, "fr")))
		base, token := strings.TrimSuffix(u, "/"), testKeys.Token(4217)
		want := templates.Links{Manage: base + "/r/" + token, Cancel: base + "/r/" + token + "/cancel", Unsubscribe: base + "/u/" + token}
		if links != want {
			t.Errorf("the links are %+v, want %+v", links, want)
		}
	}
	for d, ok := range map[string]bool{"example.org": true, "news.example.org": true, "org": false, "example.com": false, "ample.org": false} {
		if aligned(d, "example.org") != ok {
			t.Errorf("aligned(%s, example.org) = %v", d, !ok)
		}
	}
	if !aligned("example.org", "events.example.org") {
		t.Error("the organisation's key does not sign for its subdomain")
	}
	bare := newComposer(t, func(o *ComposerOptions) { o.From = "events@example.org" })
	if got, want := bare.from.header(), `"example.org" <events@example.org>`; got != want {
		t.Errorf("From without a name is %s, want %s", got, want)
	}
}

func TestFeedbackIDFitsOnALine(t *testing.T) {
	c := newComposer(t, nil)
	for slug, want := range map[string]string{
		"webinar":                "webinar:reminder:",
		strings.Repeat("a", 200): "",
		"évé:nement":             "",
	} {
		claim := claimOf(t, convened.ReminderKind, "fr")
		claim.Event.Slug = slug
		got := feedbackID(claim, convened.ReminderKind, c.sender)
		if !strings.HasPrefix(got, want) || len(got) > 77 || strings.Count(got, ":") != 2 {
			t.Errorf("Feedback-ID is %q", got)
		}
		sender := got[strings.LastIndex(got, ":")+1:]
		if len(sender) < 5 || len(sender) > 15 {
			t.Errorf("the sender of Feedback-ID is %q: Gmail wants 5 to 15 characters", sender)
		}
		checkLetter(t, claim, compose(t, c, testNow, claim))
	}
}
