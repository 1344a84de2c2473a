package console

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"convened"
)

var typedField = regexp.MustCompile(`<input[^>]* name="([^"]*)"[^>]*>`)

// form reads what a page's form would send, as a browser does, with some of it typed
// otherwise.
func form(t testing.TB, a answer, more ...string) string {
	t.Helper()
	values := url.Values{}
	_, body, ok := strings.Cut(a.body, "<main")
	if !ok {
		t.Fatalf("there is no page in %d %s", a.status, a.body)
	}
	for _, m := range typedField.FindAllStringSubmatch(body, -1) {
		if v := regexp.MustCompile(` value="([^"]*)"`).FindStringSubmatch(m[0]); v != nil {
			values.Set(m[1], html.UnescapeString(v[1]))
		}
	}
	for _, m := range regexp.MustCompile(`(?s)<textarea[^>]* name="([^"]*)"[^>]*>\n?(.*?)</textarea>`).FindAllStringSubmatch(body, -1) {
		values.Set(m[1], strings.ReplaceAll(html.UnescapeString(m[2]), "\n", "\r\n"))
	}
	for _, m := range regexp.MustCompile(`(?s)<select[^>]* name="([^"]*)".*?</select>`).FindAllStringSubmatch(body, -1) {
		if v := regexp.MustCompile(`value="([^"]*)"[^>]* selected`).FindStringSubmatch(m[0]); v != nil {
			values.Set(m[1], v[1])
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		values.Set(more[i], more[i+1])
	}
	return values.Encode()
}

// shown is an office whose pages show letters, with five people registered.
func shown(t *testing.T) *office {
	t.Helper()
	o := newOffice(t, officeURL)
	o.desk.Post = &postbox{stage: o.stage}
	o.busy()
	o.serve()
	return o
}

func TestAFormThatIsSentAsItIsChangesNothing(t *testing.T) {
	o := shown(t)
	d := o.as(editor)
	before := o.everything()
	a := d.post("/events/webinar/edit", form(t, d.get("/events/webinar/edit"), "do", "look"))
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/events/webinar?done=same" {
		t.Errorf("the form as it is answers %d to %q, want 303: nothing changes\n%s", a.status, a.header.Get("Location"), a.body)
	}
	if o.everything() != before {
		t.Error("something was changed")
	}
}

func TestAnEventIsMovedInTwoSteps(t *testing.T) {
	o := shown(t)
	d := o.as(editor)
	before, letters := o.everything(), len(o.letters)
	review := d.post("/events/webinar/edit", form(t, d.get("/events/webinar/edit"), "do", "look", "starts", "2026-11-26T10:00", "ends", "2026-11-26T11:00"))
	if review.status != http.StatusOK || o.everything() != before || len(o.letters) != letters {
		t.Fatalf("the page that asks answers %d, and something may have been done\n%s", review.status, review.body)
	}
	wants(t, "the page that asks", review.said(), "2026-11-25 16:00", "2026-11-26 10:00", "4 people", "English 1", "Français 1", "Español 2", "They are told at once.",
		// The letters that would leave, in each language, with the old time and the new.
		"English (1):", "Français (1):", "Español (2):", "Thursday 26 November 2026", "jeudi 26 novembre 2026", "jueves 26 de noviembre de 2026")
	a := d.post("/events/webinar/edit", form(t, review, "do", "save"))
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/events/webinar?done=moved" {
		t.Fatalf("the button answers %d to %q\n%s", a.status, a.header.Get("Location"), a.body)
	}
	o.at(o.clock())
	if got := o.kinds("kenji@example.net"); got != "confirmation, update" {
		t.Errorf("Kenji got %s", got)
	}
	wants(t, "the overview", d.get("/events/webinar?done=moved").said(), "Thursday 26 November 2026, 10:00–11:00", "everybody concerned is being told")
	deeds, err := o.store.Deeds(t.Context(), "webinar", 0, 1)
	if err != nil || deeds[0].What != convened.EventChanged || deeds[0].By != editor || deeds[0].Via != convened.ByConsole || deeds[0].Detail != "starts, ends; 4 to be told" {
		t.Errorf("the trail says %+v, %v", deeds, err)
	}
	if by := o.sql(`SELECT made_by FROM convened.revisions ORDER BY revision DESC LIMIT 1`); by != editor {
		t.Errorf("the revision is by %s, want %s", by, editor)
	}
	if o.woken == 0 {
		t.Error("the daemon was not told")
	}
}

func TestAnEventIsCancelledInTwoSteps(t *testing.T) {
	o := shown(t)
	d := o.as(editor)
	before := o.everything()
	ask := d.get("/events/webinar/cancel")
	wants(t, "the page that asks", ask.said(), "Cancel the event?", "Cancel the event and tell 4 people", "They are told at once.")
	if o.everything() != before {
		t.Fatal("a GET has cancelled the event")
	}
	// Somebody else edits it meanwhile, and the page asks again.
	o.apply("location: {fr: \"En ligne\"", "location: {fr: \"Salle 7\"")
	if a := d.post("/events/webinar/cancel", form(t, ask, "do", "save")); a.status != http.StatusOK || !strings.Contains(a.body, "Cancel the event?") {
		t.Errorf("an event that was edited meanwhile answers %d\n%s", a.status, a.body)
	}
	ask = d.get("/events/webinar/cancel")
	a := d.post("/events/webinar/cancel", form(t, ask, "do", "save"))
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/events/webinar?done=cancelled" {
		t.Fatalf("the button answers %d to %q\n%s", a.status, a.header.Get("Location"), a.body)
	}
	o.at(o.clock())
	if got := o.kinds("kenji@example.net"); !strings.HasSuffix(got, "cancellation") {
		t.Errorf("Kenji got %s", got)
	}
	wants(t, "the overview", d.get("/events/webinar").said(), "Cancelled")
	if a := d.get("/events/webinar/cancel"); a.status != http.StatusSeeOther {
		t.Errorf("cancelling twice answers %d, want 303", a.status)
	}
}

func TestWhatIsWrongIsSaidBesideItsField(t *testing.T) {
	o := shown(t)
	d := o.as(editor)
	before := o.everything()
	get := d.get("/events/webinar/edit")
	for _, test := range []struct{ key, value, want string }{
		{"starts", "", "is required"}, {"ends", "2026-11-25T15:00", "is not after starts"}, {"zone", "CET", "Europe/"}, {"join_url", "meet.example.org/7", "https://meet.example.org/7"},
		{"organizer.email", "nobody", "is not a mail address"}, {"colour", "red", "is not a colour"}, {"held_in", "French", "write fr"}, {"title.fr", strings.Repeat("x", 400), "300"},
	} {
		a := d.post("/events/webinar/edit", form(t, get, "do", "look", test.key, test.value))
		field := regexp.MustCompile(`(?s)<p class="field[^"]*"><label for="` + regexp.QuoteMeta(test.key) + `">.*?</p>`).FindString(a.said())
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(field, test.want) || !strings.Contains(field, `aria-invalid="true"`) || !strings.Contains(a.body, `role="alert"`) {
			t.Errorf("%s=%q answers %d, and beside the field: %s", test.key, test.value, a.status, field)
		}
		if !strings.Contains(field, `value="`+test.value+`"`) {
			t.Errorf("%s: what was typed is gone: %s", test.key, field)
		}
	}
	a := d.post("/events/webinar/edit", form(t, get, "do", "look", "title.en", "", "title.fr", "", "title.es", ""))
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.said(), "is required") {
		t.Errorf("no title at all answers %d, want 422", a.status)
	}
	if o.everything() != before {
		t.Error("something was changed")
	}
}

func TestTwoWhoEditDoNotOverwriteEachOther(t *testing.T) {
	o := shown(t)
	d := o.as(editor)
	get := d.get("/events/webinar/edit")
	o.apply("title: {fr: ", "title: {de: Räume, fr: ")
	a := d.post("/events/webinar/edit", form(t, get, "do", "look", "join_url", "https://meet.example.org/new"))
	if a.status != http.StatusConflict {
		t.Fatalf("an edit of an event that was edited meanwhile answers %d, want 409\n%s", a.status, a.body)
	}
	wants(t, "the form", a.said(), "Räume", "https://meet.example.org/new")
	// Now it is known what they did, and what stands in another language stays.
	review := d.post("/events/webinar/edit", form(t, a, "do", "look"))
	saved := d.post("/events/webinar/edit", form(t, review, "do", "save"))
	if saved.status != http.StatusSeeOther {
		t.Fatalf("saving answers %d\n%s", saved.status, saved.body)
	}
	e, err := o.store.Event(t.Context(), "webinar")
	if err != nil || e.Title["de"] != "Räume" || e.JoinURL != "https://meet.example.org/new" {
		t.Errorf("the event is %+v, %v", e, err)
	}
}

func TestAnAdministratorMakesAnEvent(t *testing.T) {
	o := shown(t)
	if a := o.as(editor).get("/new"); a.status != http.StatusNotFound {
		t.Errorf("an editor gets %d for a new event, want 404", a.status)
	}
	d := o.as(chief)
	get := d.get("/new")
	fields := []string{"do", "look", "event", "spring-forum", "title.en", "Spring forum", "starts", "2027-04-01T09:30", "ends", "2027-04-01T12:00", "zone", "Europe/Madrid", "language", "en"}
	a := d.post("/new", form(t, get, fields...))
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/events/spring-forum?done=saved" {
		t.Fatalf("the button answers %d to %q\n%s", a.status, a.header.Get("Location"), a.body)
	}
	wants(t, "its overview", d.get("/events/spring-forum?done=saved").said(), "Spring forum", "Thursday 1 April 2027, 09:30–12:00")
	if a := d.post("/new", form(t, get, fields...)); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.said(), "There is an event of that name already.") {
		t.Errorf("a name that is taken answers %d", a.status)
	}
}

func TestWhoMayOnlyLookChangesNothing(t *testing.T) {
	o := shown(t)
	d := o.as(viewer)
	before := o.everything()
	for _, path := range []string{"/events/webinar/edit", "/events/webinar/cancel"} {
		if a := d.post(path, "do=save&revision=1&mails=1000"); a.status != http.StatusForbidden {
			t.Errorf("%s answers %d to who may only look, want 403", path, a.status)
		}
		if a := d.get(path); a.status != http.StatusForbidden {
			t.Errorf("GET %s answers %d to who may only look, want 403", path, a.status)
		}
	}
	if o.everything() != before {
		t.Error("something was changed")
	}
}
