package console

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"convened"
	"convened/desk"
	"convened/mailer"
	"convened/store"
)

// failing has the relay of a stage answer for some addresses otherwise: outcome
// returns what becomes of a letter to one.
func (s *stage) failing(outcome map[string]convened.Outcome) {
	s.verdict = func(l *mailer.Letter, now time.Time) convened.Outcome {
		o, bad := outcome[l.To]
		if !bad {
			return convened.Outcome{State: convened.Sent}
		}
		o.At = now
		return o
	}
}

// enrol registers people without waiting for letters.
func (s *stage) enrol(entries ...store.Entry) {
	s.t.Helper()
	for i := range entries {
		entries[i].Event, entries[i].CreatedAt = "webinar", s.clock()
	}
	if _, err := s.store.AddRegistrations(s.t.Context(), entries); err != nil {
		s.t.Fatal(err)
	}
	s.at(s.clock())
}

// number returns the number of a registration, as it stands in paths.
func (s *stage) number(email string) string {
	s.t.Helper()
	return s.sql(`SELECT max(id) FROM convened.registrations WHERE email = '` + email + `' AND (seat = id OR seat IS NULL)`)
}

var kept = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`)

// confirmed is the form of a page that asks, as its button sends it.
func confirmed(a answer, more ...string) string {
	form := url.Values{}
	for _, m := range kept.FindAllStringSubmatch(a.body, -1) {
		if m[1] != "next" {
			form.Set(m[1], m[2])
		}
	}
	form.Set("confirm", "1")
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form.Encode()
}

func TestAnOrganiserFindsPeopleByPartsOfTheirNames(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	o.enrol(store.Entry{Email: "ana@example.net", Name: "Ana Díaz"}, store.Entry{Email: "bo@example.net", Name: "<b>Bo</b>"}, store.Entry{Email: "no address"})
	d := o.as(viewer)
	all := d.get("/events/webinar/registrants")
	wants(t, "the list", all.said(), "Ana Díaz", "ana@example.net", "<b>Bo</b>", "no address", "confirmed", "address does not work", "3 people", `aria-current="page">Registrants`)
	wantsNo(t, "the list", all.body, "<b>Bo")
	for query, want := range map[string]string{"?q=diaz": "ana@example.net", "?q=EXAMPLE.NET+&state=registered": "ana@example.net bo@example.net", "?state=refused": "no address", "?state=failed": "no address", "?q=nobody": "", "?q=diaz&state=muted": ""} {
		a := d.get("/events/webinar/registrants" + query)
		for _, email := range []string{"ana@example.net", "bo@example.net", "no address"} {
			if got := strings.Contains(a.body, ">"+email+"<"); got != strings.Contains(want, email) {
				t.Errorf("%s: %s is there: %t", query, email, got)
			}
		}
	}
	part := d.get("/events/webinar/registrants?q=diaz", "HX-Request", "true")
	if !strings.HasPrefix(strings.TrimSpace(part.body), `<div id="people">`) || strings.Contains(part.body, "<html") || part.header.Get("Vary") != "HX-Request" {
		t.Errorf("htmx is given\n%s", part.body)
	}
	if a := o.as(nobody).get("/events/webinar/registrants"); a.status != http.StatusNotFound {
		t.Errorf("to who has no role: %d", a.status)
	}
}

func TestTheListGoesOnPageByPage(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	var entries []store.Entry
	for i := range 2*peopleOnPage + 1 {
		entries = append(entries, store.Entry{Email: fmt.Sprintf("p%03d@example.net", i), Name: "Ana"})
	}
	o.enrol(entries...)
	d := o.as(viewer)
	seen := map[string]int{}
	next := "/events/webinar/registrants?q=ana"
	for pages := 1; next != ""; pages++ {
		a := d.get(next)
		for _, m := range regexp.MustCompile(`p\d{3}@example\.net`).FindAllString(a.body, -1) {
			seen[m]++
		}
		next = ""
		if m := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(a.said()); m != nil {
			next = m[1]
		}
		if pages > 3 {
			t.Fatal("it never ends")
		}
	}
	if len(seen) != len(entries) {
		t.Errorf("%d of %d are seen", len(seen), len(entries))
	}
	for who, n := range seen {
		if n != 1 {
			t.Errorf("%s is seen %d times", who, n)
		}
	}
}

func TestAPersonsStorySaysWhyInEachLanguage(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	o.failing(map[string]convened.Outcome{"bo@example.net": {State: convened.Planned, Cause: convened.CauseServer, Code: 451, Enhanced: "4.2.0", Reply: "451 4.2.0 greylisted"}})
	o.enrol(store.Entry{Email: "ana@example.net", Name: "Ana Díaz", Language: "es", Zone: "America/Mexico_City"}, store.Entry{Email: "bo@example.net"})
	d := o.as(viewer)
	ana := "/events/webinar/registrants/" + o.number("ana@example.net")
	wants(t, "the story", d.get(ana).said(), "Ana Díaz", "Español", "Mexico City time", "Confirmation", "sent", "registered", "Reminder", "24 hours before the start", "will be sent", "Follow-up")
	wants(t, "the story in French", d.get(ana, "Accept-Language", "fr").said(), "inscrit", "Rappel", "24 heures avant le début", "sera envoyé", "heure de Mexico")
	wants(t, "the story in Spanish", d.get(ana, "Accept-Language", "es").said(), "inscripción", "Recordatorio", "se enviará", "hora de Ciudad de México")
	wants(t, "the story of who waits", d.get("/events/webinar/registrants/"+o.number("bo@example.net"), "Accept-Language", "fr").said(), "réponse du serveur : 451 4.2.0 greylisted", "réessayé plus tard")
	wantsNo(t, "what a viewer sees", d.get(ana).body, `name="do"`)
	for _, path := range []string{"/events/webinar/registrants/4711", "/events/webinar/registrants/x", "/events/webinar/registrants/0"} {
		if a := d.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := d.post(ana, "do=resend&confirm=1&known=1"); a.status != http.StatusForbidden {
		t.Errorf("a viewer sends again: %d", a.status)
	}
}

func TestAConfirmationIsSentAgainOnceHoweverOftenOneClicks(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	o.enrol(store.Entry{Email: "ana@example.net", Name: "Ana Díaz"})
	d := o.as(editor)
	ana := "/events/webinar/registrants/" + o.number("ana@example.net")
	before := o.everything()
	ask := d.post(ana, "do=resend")
	if ask.status != http.StatusOK || o.everything() != before {
		t.Fatalf("asking: %d, or it changed something", ask.status)
	}
	wants(t, "what is asked", ask.said(), "Send the confirmation once more to", "ana@example.net")
	form := confirmed(ask)
	if a := d.post(ana, form); a.status != http.StatusSeeOther || !strings.HasSuffix(a.header.Get("Location"), ana+"?done=resent") {
		t.Fatalf("confirmed: %d to %s\n%s", a.status, a.header.Get("Location"), a.body)
	}
	if a := d.post(ana, form); a.status != http.StatusUnprocessableEntity {
		t.Errorf("the second click: %d", a.status)
	}
	o.at(o.clock().Add(time.Second))
	again := d.post(ana, form)
	wants(t, "the third click, when it has gone out", again.said(), "sent again meanwhile")
	if got := o.kinds("ana@example.net"); got != "confirmation, confirmation" {
		t.Errorf("she got %s", got)
	}
	wants(t, "the story", d.get(ana+"?done=resent").said(), "The confirmation goes out once more.", "sent once more, as "+editor+" asked", "confirmation sent again, by <bdi>"+editor)
	wants(t, "the story in French", d.get(ana, "Accept-Language", "fr").said(), "renvoyé à la demande de "+editor)
	wants(t, "the trail", d.get("/events/webinar/history").said(), "confirmation sent again")
}

func TestAMistypedAddressIsCorrectedInTwoSteps(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	o.failing(map[string]convened.Outcome{"ana@exmple.net": {State: convened.Refused, Cause: convened.CauseAddress, Code: 550, Enhanced: "5.1.1", Reply: "550 5.1.1 unknown"}})
	o.enrol(store.Entry{Email: "ana@exmple.net", Name: "Ana Díaz", Language: "es"})
	d := o.as(editor)
	wrong := "/events/webinar/registrants/" + o.number("ana@exmple.net")
	ask := d.post(wrong, "do=correct")
	if ask.status != http.StatusOK {
		t.Fatalf("asking: %d", ask.status)
	}
	for to, want := range map[string]string{"ana at example": "not an e-mail address", "ANA@exmple.net": "has already"} {
		a := d.post(wrong, confirmed(ask, "to", to))
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("to %q: %d", to, a.status)
		}
		wants(t, "the page", a.said(), want, `aria-invalid="true"`)
	}
	a := d.post(wrong, confirmed(ask, "to", "ana@example.net"))
	right := strings.TrimSuffix(strings.TrimPrefix(a.header.Get("Location"), officeURL), "?done=corrected")
	if a.status != http.StatusSeeOther || right == wrong {
		t.Fatalf("confirmed: %d to %s\n%s", a.status, a.header.Get("Location"), a.body)
	}
	wants(t, "before the daemon looks", d.get(right).said(), "just arrived")
	o.at(o.clock())
	if got := o.kinds("ana@example.net"); got != "confirmation" {
		t.Errorf("she got %s", got)
	}
	wants(t, "the right one's story", d.get(right).said(), "Registered as the correction of", "ana@exmple.net", "by <bdi>"+editor, "Español")
	wants(t, "the wrong one's story", d.get(wrong).said(), "The address was corrected to", "ana@example.net", "address corrected")
	wantsNo(t, "the wrong one's story", d.get(wrong).body, `name="do"`)
	if a := d.post(wrong, "do=resend&confirm=1&known=1"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("sending to the wrong one again: %d", a.status)
	}
	wants(t, "failures", d.get("/events/webinar/failures").said(), "Nothing is known to have failed")
}

func TestAnOrganiserCancelsForSomebody(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	o.enrol(store.Entry{Email: "ana@example.net", Name: "Ana Díaz"})
	d := o.as(editor)
	ana := "/events/webinar/registrants/" + o.number("ana@example.net")
	ask := d.post(ana, "do=cancel")
	wants(t, "what is asked", ask.said(), "Cancel the registration of", "Ana Díaz")
	if a := d.post(ana, confirmed(ask)); a.status != http.StatusSeeOther {
		t.Fatalf("confirmed: %d", a.status)
	}
	o.at(o.clock())
	if got := o.kinds("ana@example.net"); got != "confirmation, cancellation" {
		t.Errorf("she got %s", got)
	}
	wants(t, "the story", d.get(ana+"?done=cancelled").said(), "The registration is cancelled.", "registration cancelled, by <bdi>"+editor)
	for _, form := range []string{"do=cancel&confirm=1", "do=resend&confirm=1", "do=correct&to=x@example.net&confirm=1"} {
		if a := d.post(ana, form); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "role=\"alert\"") {
			t.Errorf("%s of who left: %d", form, a.status)
		}
	}
	if a := d.post(ana, "do=nonsense"); a.status != http.StatusBadRequest {
		t.Errorf("nonsense: %d", a.status)
	}
}

func TestAPersonWhoWasErasedIsANumber(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	o.enrol(store.Entry{Email: "ana@example.net", Name: "Ana Díaz"})
	ana := "/events/webinar/registrants/" + o.number("ana@example.net")
	if _, err := o.desk.Erase(t.Context(), o.clock(), "webinar", "ana@example.net"); err != nil {
		t.Fatal(err)
	}
	a := o.as(editor).get(ana)
	wants(t, "the page", a.said(), "erased")
	wantsNo(t, "the page", a.body, "Ana", `name="do"`)
}

// failed is an office with one of each sort of failure.
func failed(t *testing.T, o *office) {
	t.Helper()
	o.failing(map[string]convened.Outcome{
		"unknown@example.net": {State: convened.Refused, Cause: convened.CauseAddress, Code: 550, Enhanced: "5.1.1", Reply: "550 5.1.1 <unknown@example.net> no such user"},
		"full@example.net":    {State: convened.Refused, Cause: convened.CausePolicy, Code: 552, Enhanced: "5.2.2", Reply: "552 5.2.2 over quota"},
		"spam1@example.net":   {State: convened.Refused, Cause: convened.CausePolicy, Code: 550, Enhanced: "5.7.1", Reply: "550 5.7.1 blocked"},
		"spam2@example.net":   {State: convened.Refused, Cause: convened.CausePolicy, Code: 554, Reply: "554 <script>alert(1)</script>"},
		"later@example.net":   {State: convened.Planned, Cause: convened.CauseServer, Code: 451, Reply: "451 later"},
	})
	o.enrol(store.Entry{Email: "unknown@example.net", Name: "Una"}, store.Entry{Email: "full@example.net"}, store.Entry{Email: "spam1@example.net"}, store.Entry{Email: "spam2@example.net"},
		store.Entry{Email: "later@example.net"}, store.Entry{Email: "fine@example.net"}, store.Entry{Email: "not an address"})
}

func TestFailuresAreGroupedWithWhatToDo(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	failed(t, o)
	a := o.as(viewer).get("/events/webinar/failures")
	wants(t, "the page", a.said(), "Not an e-mail address", "Mailbox unknown", "Correct it", "Mailbox full", "Refused as spam or by policy", "2 letters to 2 people", "Being tried again", "550 5.1.1 <unknown@example.net> no such user")
	wantsNo(t, "the page", a.body, "<script>alert", "fine@example.net", `method="post" action="/events/webinar/failures"`)
	wants(t, "the page in French", o.as(viewer).get("/events/webinar/failures", "Accept-Language", "fr").said(), "Adresse inconnue", "Que faire", "2 e-mails pour 2 personnes")

	d := o.as(editor)
	o.failing(nil) // the sender's domain was mended
	ask := d.post("/events/webinar/failures", "fault="+string(desk.TakenForSpam))
	wants(t, "what is asked", ask.said(), "Try these letters again?", "Mail goes to 2 people.", "Confirmation: 2 letters")
	if a := d.post("/events/webinar/failures", confirmed(ask)); a.status != http.StatusSeeOther || !strings.HasSuffix(a.header.Get("Location"), "/failures?done=retried") {
		t.Fatalf("confirmed: %d\n%s", a.status, a.body)
	}
	o.at(o.clock())
	for who, want := range map[string]string{"spam1@example.net": "confirmation", "spam2@example.net": "confirmation", "full@example.net": "", "unknown@example.net": ""} {
		if got := o.kinds(who); got != want {
			t.Errorf("%s got %q, want %q", who, got, want)
		}
	}
	wantsNo(t, "the page after it", d.get("/events/webinar/failures").said(), "Refused as spam")
	for _, fault := range []desk.Fault{desk.MailboxUnknown, "nonsense"} {
		if a := d.post("/events/webinar/failures", "fault="+string(fault)); a.status != http.StatusBadRequest {
			t.Errorf("trying %s again: %d", fault, a.status)
		}
	}
}

func TestWhatIsHeldIsReleasedBySomebodyWhoSawHowManyGetMail(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	copied := func(emails ...string) {
		for _, email := range emails {
			if _, err := o.store.AddRegistrations(t.Context(), []store.Entry{{Event: "webinar", Email: email, CreatedAt: early.Add(-time.Hour)}}); err != nil {
				t.Fatal(err)
			}
		}
		o.at(o.clock())
	}
	wants(t, "nothing held", o.as(viewer).get("/events/webinar/held").said(), "Nothing is held.")
	copied("a@example.net", "b@example.net")
	wants(t, "what is held", o.as(viewer).get("/events/webinar/held").said(), "Registrations older than the event", "2 letters", "copied from another system")
	if a := o.as(viewer).post("/events/webinar/held", "cause=backfill&confirm=1&people=9"); a.status != http.StatusForbidden {
		t.Errorf("a viewer releases: %d", a.status)
	}
	d := o.as(editor)
	ask := d.post("/events/webinar/held", "cause=backfill")
	wants(t, "what is asked", ask.said(), "Send these letters?", "Mail goes to 2 people.")
	copied("c@example.net")
	more := d.post("/events/webinar/held", confirmed(ask))
	wants(t, "when there are more by then", more.said(), "More people than before", "Mail goes to 3 people.")
	if n := len(o.received("a@example.net")); n != 0 {
		t.Errorf("%d letters went out", n)
	}
	if a := d.post("/events/webinar/held", confirmed(more)); a.status != http.StatusSeeOther {
		t.Fatalf("confirmed: %d", a.status)
	}
	o.at(o.clock())
	for _, who := range []string{"a@example.net", "b@example.net", "c@example.net"} {
		if got := o.kinds(who); got != "confirmation" {
			t.Errorf("%s got %q", who, got)
		}
	}
	wants(t, "after it", d.get("/events/webinar/held?done=released").said(), "The letters are released", "Nothing is held.")
	if a := d.post("/events/webinar/held", "cause=nonsense"); a.status != http.StatusBadRequest {
		t.Errorf("nonsense: %d", a.status)
	}
}

// The pages in a browser: found while one types, corrected with the keyboard, and looked
// at in all ways.
func TestAnOrganiserWithAKeyboardMendsAnAddress(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	failed(t, o)
	if _, err := o.store.AddRegistrations(t.Context(), []store.Entry{{Event: "webinar", Email: "copied@example.net", Name: strings.Repeat("Wolfeschlegelsteinhausen", 4), CreatedAt: early.Add(-time.Hour)}}); err != nil {
		t.Fatal(err)
	}
	o.at(o.clock())
	b := newBrowser(t)
	b.look(360, "light")
	b.enter(o, editor, "/events/webinar/registrants", "en")
	b.focus("#q")
	b.do(chromedp.KeyEvent("UNA"))
	if got := ask[string](b, `new Promise(done => { const look = () => document.querySelectorAll("#people tbody tr").length == 1 ? done(document.querySelector("#people").innerText) : setTimeout(look, 20); look() })`); !strings.Contains(got, "unknown@example.net") {
		t.Errorf("what is found while one types is %q", got)
	}
	if got := ask[string](b, `location.search`); !strings.Contains(got, "q=UNA") {
		t.Errorf("the address says %q", got)
	}
	b.focus("#people tbody a")
	b.press("\r")
	b.focus(`button[value=correct]`)
	b.press("\r")
	b.await(`document.activeElement.id === "to"`) // the first frame brings the autofocus, after the load perhaps
	ask[int](b, `document.activeElement.select(); 0`)
	b.do(chromedp.KeyEvent("una@example.net"))
	b.focus("main button.primary")
	b.press("\r")
	wants(t, "the page", ask[string](b, `document.body.innerText`), "The address is corrected")
	o.at(o.clock())
	if got := o.kinds("una@example.net"); got != "confirmation" {
		t.Errorf("una got %q", got)
	}

	id := o.number("una@example.net")
	for _, v := range []struct{ name, path, language string }{
		{"registrants", "/events/webinar/registrants", "en"}, {"registrants none", "/events/webinar/registrants?q=nobody", "fr"},
		{"person", "/events/webinar/registrants/" + id, "fr"}, {"person refused", "/events/webinar/registrants/" + o.number("full@example.net"), "es"},
		{"failures", "/events/webinar/failures", "fr"}, {"held", "/events/webinar/held", "es"},
	} {
		b.open(o.origin+v.path, v.language)
		b.inspect(v.name, v.language)
	}
	b.open(o.origin+"/events/webinar/registrants/"+id, "es")
	b.focus(`button[value=cancel]`)
	b.press("\r")
	b.inspect("person ask", "es")
	b.open(o.origin+"/events/webinar/held", "fr")
	b.focus(`main form button`)
	b.press("\r")
	b.inspect("release", "fr")
	for _, c := range b.complaints {
		t.Errorf("the browser complains: %s", c)
	}
}
