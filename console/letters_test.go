package console

import (
	"context"
	"html"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"convened"
	"convened/mailer"
	"convened/store"
)

// A postbox writes the stage's letters, and keeps what is sent as a trial.
type postbox struct {
	*stage
	sent    []*mailer.Letter
	outcome convened.Outcome
}

func (p *postbox) Write(now time.Time, c *convened.Claim) (*mailer.Letter, error) {
	return p.composer.Compose(now, c)
}

func (p *postbox) Send(_ context.Context, l *mailer.Letter) convened.Outcome {
	p.sent = append(p.sent, l)
	return p.outcome
}

// newMailroom is an office whose desk has a postbox.
func newMailroom(t *testing.T) (*office, *postbox) {
	t.Helper()
	o := newOffice(t, officeURL)
	p := &postbox{stage: o.stage, outcome: convened.Outcome{State: convened.Sent, Reply: "250 queued"}}
	o.desk.Post = p
	return o, p
}

const lettersPath = "/events/webinar/letters"

var frameSource = regexp.MustCompile(`<iframe [^>]*src="([^"]+)"`)

// ownLink finds what the links of one reader have in common.
var ownLink = regexp.MustCompile(`https://events\.example\.org/[ru]/([\w-]+)`)

// framesOf returns where the frames of a page lead.
func framesOf(page string) []string {
	var list []string
	for _, m := range frameSource.FindAllStringSubmatch(page, -1) {
		list = append(list, html.UnescapeString(m[1]))
	}
	return list
}

func TestALetterIsShownAsAnybodyWouldGetIt(t *testing.T) {
	t.Parallel()
	o, _ := newMailroom(t)
	o.enrol(store.Entry{Email: "bo@example.net", Name: "Bo Ek", Language: "es", Zone: "Asia/Tokyo"})
	id := o.sql(`SELECT id FROM convened.registrations`)
	d := o.as(viewer)
	for _, tt := range []struct {
		name, query string
		want        []string
	}{
		{"the first", "", []string{"Subject", "<strong lang=\"fr\"", "Amélie Laurent", "METHOD", "REQUEST", "List-Unsubscribe", "(as of Friday 20 Nov 2026, 16:00)"}},
		{"a reminder in Spanish", "kind=reminder&language=es", []string{`<strong lang="es"`, "Recordatorio", "(as of Tuesday 24 Nov 2026, 16:00)", `<option value="before 24h" selected>24 hours before the start</option>`}},
		{"an hour before", "kind=reminder&language=en&when=-1h", []string{"(as of Wednesday 25 Nov 2026, 15:00)", "in 1 hour"}},
		{"at a time that is typed", "kind=confirmation&language=en&when=other&at=2026-11-23+09:00", []string{"(as of Monday 23 Nov 2026, 09:00)"}},
		{"after the end", "kind=followup&language=fr", []string{"No invitation goes with this letter.", "2 hours after the end"}},
		{"called off", "kind=cancellation&language=en", []string{"METHOD", "CANCEL", "cancelled"}},
		{"moved", "kind=update&language=en", []string{"SEQUENCE"}},
		{"a registrant", "who=" + id, []string{`<strong lang="es"`, "Bo Ek", `<option value="` + id + `" selected>Bo Ek &lt;bo@example.net&gt;`, "Tokio (UTC+9)"}},
		{"somebody in Tokyo", "who=tokyo&language=en", []string{"Tokyo"}},
		{"somebody without a name", "who=nameless&language=en", []string{"Hello,"}},
		{"nonsense", "kind=x&language=tlh&when=never&who=nobody&rule=none", []string{"METHOD"}},
		{"a registrant who is not there", "who=4711", []string{"Amélie Laurent"}},
		{"no preflight", "kind=preflight", []string{"Nothing is wrong with this event"}},
		{"a time that is none", "when=other&at=tomorrow", []string{"Write a date and a time", "aria-invalid"}},
		{"searched", "search=example.net", []string{"Bo Ek"}},
	} {
		a := d.get(lettersPath + "?" + tt.query)
		if a.status != http.StatusOK {
			t.Errorf("%s: %d\n%s", tt.name, a.status, a.body)
		}
		said := a.said()
		for _, w := range tt.want {
			if !strings.Contains(said, html.UnescapeString(w)) {
				t.Errorf("%s lacks %q:\n%s", tt.name, w, said)
			}
		}
	}
	a := d.get(lettersPath)
	wantsNo(t, "what one sees who may only look", a.body, "<textarea", `method="post" action="`+lettersPath, `name="to"`)
}

func TestALetterInItsFrameCanDoNothing(t *testing.T) {
	t.Parallel()
	o, _ := newMailroom(t)
	o.enrol(store.Entry{Email: "ana@example.net", Name: "<script>alert(1)</script>", Language: "en"})
	id := o.sql(`SELECT id FROM convened.registrations`)
	d := o.as(viewer)
	page := d.get(lettersPath + "?who=" + id)
	frames := framesOf(page.body)
	if len(frames) != 2 || frames[0] != frames[1] {
		t.Fatalf("the frames are %q", frames)
	}
	wants(t, "the page", page.body, ` sandbox referrerpolicy`, `class="phone"`, `class="desktop"`)
	wants(t, "what the page may do", page.header.Get("Content-Security-Policy"), "script-src 'self'", "style-src 'self'", "frame-src 'self'")
	a := d.get(frames[0], "Sec-Fetch-Dest", "iframe")
	if a.status != http.StatusOK {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	policy := a.header.Get("Content-Security-Policy")
	wants(t, "what the letter may do", policy, "default-src 'none'", "sandbox", "frame-ancestors 'self'", "form-action 'none'")
	wantsNo(t, "what the letter may do", policy, "script-src", "allow-", "connect-src")
	wantsNo(t, "the letter", a.body, "<script>alert")
	// The links of somebody else lead nowhere.
	own := ownLink.FindStringSubmatch(text(t, o.received("ana@example.net")[0].Data))
	if shown := ownLink.FindStringSubmatch(a.body); own == nil || shown == nil {
		t.Errorf("no link in %q, %q", own, shown)
	}
	wantsNo(t, "the letter", a.body, own[1])
	// Nobody is led straight to it.
	if a := d.get(frames[0], "Sec-Fetch-Dest", "document"); a.status != http.StatusSeeOther {
		t.Errorf("as a page of its own: %d", a.status)
	}
	file := d.get(strings.Replace(frames[0], "/letter?", "/letter.eml?", 1), "Sec-Fetch-Dest", "document")
	if file.header.Get("Content-Type") != "message/rfc822" || !strings.HasPrefix(file.header.Get("Content-Disposition"), `attachment; filename="webinar-confirmation.eml"`) || !strings.Contains(file.body, "MIME-Version: 1.0") {
		t.Errorf("the file is %v", file.header)
	}
	for _, path := range []string{"/letter?texts=%2B", "/letter?texts=AAAA", "/letter?kind=preflight", "/letter?when=other&at=x"} {
		if a := d.get(lettersPath + path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := o.as(nobody).get(frames[0]); a.status != http.StatusNotFound {
		t.Errorf("who has no role gets %d", a.status)
	}
}

func texts(do string, more ...string) string {
	form := url.Values{"do": {do}, "revision": {"1"}, "intro.en": {""}, "intro.fr": {""}, "intro.es": {""}, "key.1": {"before 24h"}, "key.2": {"after 2h"}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form.Encode()
}

func TestTextsAreSeenInTheLetterBeforeTheyAreSaved(t *testing.T) {
	t.Parallel()
	o, _ := newMailroom(t)
	d := o.as(editor)
	before := o.everything()
	typed := []string{"kind", "reminder", "language", "en", "intro.en", "Dear {name}, & welcome.", "note.1.en", "Bring\r\n\r\nyour badge.", "note.2.en", "Not in this one."}
	a := d.post(lettersPath, texts("show", typed...))
	if a.status != http.StatusOK {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	wants(t, "the page", a.said(), "Bring\n\nyour badge.", `name="note.2.en" value="Not in this one."`, "Dear {name}, & welcome.")
	frame := d.get(framesOf(a.body)[0])
	wants(t, "the letter in its frame", frame.said(), "your badge.")
	confirmation := d.post(lettersPath, texts("show", append(typed, "kind", "confirmation")...))
	wants(t, "the confirmation", confirmation.said(), "Dear Amélie Laurent, & welcome.", `name="note.1.en" value="Bring`)
	wants(t, "the confirmation in its frame", d.get(framesOf(confirmation.body)[0]).said(), "Dear Amélie Laurent, & welcome.")
	wantsNo(t, "the letter in its frame", frame.body, "Not in this one.")
	part := d.post(lettersPath, texts("", append(typed, "shown", "before 24h", "ruleskind", "reminder")...), "HX-Request", "true")
	wants(t, "the part", part.said(), "your badge.", `id="fault-intro-en" hx-swap-oob`)
	wantsNo(t, "the part", part.body, "<html", "<textarea", `id="rule"`)
	other := d.post(lettersPath, texts("", append(typed, "shown", "after 2h", "ruleskind", "followup")...), "HX-Request", "true")
	wants(t, "the part of another rule", other.body, `<div id="texts" hx-swap-oob`, `id="rule"`)

	wrong := d.post(lettersPath, texts("show", "kind", "reminder", "intro.fr", "Bonjour {nom}", "note.1.es", "{"))
	wants(t, "wrong texts", wrong.said(), "{nom} is not known", "a brace is not closed", "Something in the texts is not right yet.", "aria-invalid")
	if a := d.post(lettersPath, texts("save", "intro.fr", "Bonjour {nom}")); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Bonjour {nom}") {
		t.Errorf("wrong texts are saved: %d", a.status)
	}
	if a := d.post(lettersPath, texts("save", "note.2.en", "{x}")); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong text of a reminder that is not shown is saved: %d", a.status)
	}
	long := strings.Repeat("Bonjour {name}. ", 249)
	wants(t, "a long text in its frame", d.get(framesOf(d.post(lettersPath, texts("show", "intro.fr", long)).body)[0]).said(), strings.Repeat("Bonjour Amélie Laurent. ", 100))
	dice := rand.New(rand.NewPCG(1, 2))
	noise := make([]rune, 3900)
	for i := range noise {
		noise[i] = rune(0x4e00 + dice.IntN(0x5000))
	}
	a = d.post(lettersPath, texts("show", "intro.fr", string(noise)))
	wants(t, "a text that no address has room for", a.said(), "The text is too long to be shown before it is saved.", string(noise))
	if a := d.post(lettersPath, "do=save"); a.status != http.StatusBadRequest {
		t.Errorf("no form of ours: %d", a.status)
	}
	if o.everything() != before {
		t.Fatal("something was changed")
	}
	a = d.post(lettersPath, texts("save", typed...))
	if want := lettersPath + "?done=saved&kind=reminder&language=en&rule=before+24h"; a.status != http.StatusSeeOther || a.header.Get("Location") != want {
		t.Fatalf("%d to %s, want %s", a.status, a.header.Get("Location"), want)
	}
	if a := d.post(lettersPath, texts("save", append(typed, "revision", "2")...)); !strings.Contains(a.header.Get("Location"), "done=same") {
		t.Errorf("the same again: %d to %s", a.status, a.header.Get("Location"))
	}
	o.enrol(store.Entry{Email: "ana@example.net", Name: "Ana", Language: "en"})
	o.at(starts.Add(-24 * time.Hour))
	got := o.received("ana@example.net")
	wants(t, "the confirmation", text(t, got[0].Data), "Dear Ana, & welcome.")
	wants(t, "the reminder", text(t, got[len(got)-1].Data), "your badge.")
	if kinds := o.kinds("ana@example.net"); kinds != "confirmation, reminder" {
		t.Errorf("she got %s", kinds)
	}
}

func TestTheSecondOfTwoWritersLosesNothing(t *testing.T) {
	t.Parallel()
	o, _ := newMailroom(t)
	if a := o.as(chief).post(lettersPath, texts("save", "intro.en", "Theirs.")); a.status != http.StatusSeeOther {
		t.Fatalf("the first: %d\n%s", a.status, a.body)
	}
	d := o.as(editor)
	a := d.post(lettersPath, texts("save", "intro.en", "Mine."))
	if a.status != http.StatusConflict {
		t.Fatalf("the second: %d", a.status)
	}
	wants(t, "what the second sees", a.said(), "Somebody else changed this event", chief, "Theirs.", "Mine.", `name="revision" value="2"`)
	if a := d.post(lettersPath, texts("save", "intro.en", "Mine.", "revision", "2")); a.status != http.StatusSeeOther {
		t.Errorf("knowing that: %d", a.status)
	}
}

func TestATrialGoesToTheAddressThatIsTypedAndNowhereElse(t *testing.T) {
	t.Parallel()
	o, box := newMailroom(t)
	o.enrol(store.Entry{Email: "ana@example.net", Name: "Ana", Language: "en"})
	id := o.sql(`SELECT id FROM convened.registrations`)
	o.desk.Allows = func(address string) bool { return !strings.HasSuffix(address, "@elsewhere.example") }
	d := o.as(editor)
	before := o.sql(`SELECT n FROM convened.notices n ORDER BY id`)
	a := d.post(lettersPath, texts("send", "to", " me@example.org ", "who", id, "language", "en", "intro.en", "Not saved."))
	if a.status != http.StatusOK {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	wants(t, "the page", a.said(), "A test was sent to me@example.org.", "Not saved.")
	if len(box.sent) != 1 || box.sent[0].To != "me@example.org" {
		t.Fatalf("%d were sent", len(box.sent))
	}
	wants(t, "the trial", text(t, box.sent[0].Data), "Not saved.", "Ana")
	if o.sql(`SELECT n FROM convened.notices n ORDER BY id`) != before {
		t.Error("a notice was made or changed")
	}
	wants(t, "the trail", o.sql(`SELECT made_by || ' ' || what || ' ' || detail FROM convened.trail WHERE what = 'test sent'`), editor+" test sent confirmation")
	for to, want := range map[string]string{"no address": "This is not an e-mail address.", "": "This is not an e-mail address.", "a@elsewhere.example": "may not write to that address", "a@example.org\r\nBcc: b@example.org": "This is not an e-mail address."} {
		a := d.post(lettersPath, texts("send", "to", to))
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.said(), want) {
			t.Errorf("to %q: %d\n%s", to, a.status, a.said())
		}
	}
	box.outcome = convened.Outcome{State: convened.Refused, Phase: "rcpt", Reply: "550 <no> such user"}
	a = d.post(lettersPath, texts("send", "to", "gone@example.org"))
	wants(t, "what the server did not take", a.said(), "The mail server did not take it (rcpt): 550 <no> such user")
	if a := d.post(lettersPath, texts("send", "to", "me@example.org", "kind", "preflight")); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a letter that there is not: %d", a.status)
	}
	if a := o.as(viewer).post(lettersPath, texts("send", "to", "me@example.org")); a.status != http.StatusForbidden {
		t.Errorf("who may only look: %d", a.status)
	}
	sent := len(box.sent)
	status := 0
	for range trialBurst {
		status = d.post(lettersPath, texts("send", "to", "me@example.org")).status
	}
	if status != http.StatusTooManyRequests || len(box.sent)-sent >= trialBurst {
		t.Errorf("without end: %d, after %d", status, len(box.sent)-sent)
	}
	wantsNo(t, "the log", o.logs.String(), "me@example.org", "gone@example.org")
}
