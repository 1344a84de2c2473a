package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"convened/store"
)

// typed is a form of the schedule: revision, and a row of fields for each rule.
func typed(revision int, do string, rows ...map[string]string) string {
	form := url.Values{"revision": {strconv.Itoa(revision)}, "rules": {strconv.Itoa(len(rows))}, "do": {do}}
	for i, row := range rows {
		for name, value := range row {
			base, rest, _ := strings.Cut(name, ".")
			if rest != "" {
				rest = "." + rest
			}
			form.Set(base+"."+strconv.Itoa(i+1)+rest, value)
		}
	}
	return form.Encode()
}

func hours(n string) map[string]string {
	return map[string]string{"way": hoursBefore, "count": n, "unit": "h", "late": "fold"}
}

const schedulePath = "/events/webinar/schedule"

func TestTheScheduleIsShownInWordsAndInstants(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	a := o.as(editor).get(schedulePath)
	if a.status != http.StatusOK {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	wants(t, "the editor", a.said(), "24 hours before the start", "Tuesday 24 Nov 2026, 16:00", "(15:00 UTC, in 4 days)", `value="24"`, "2 hours after the end",
		"A follow-up, after the end.", "2 reminders, nothing to mend")
	a = o.as(viewer).get(schedulePath, "Accept-Language", "fr")
	wants(t, "what one sees who may only look", a.said(), "24 heures avant le début", "mardi 24 nov. 2026")
	wantsNo(t, "what one sees who may only look", a.body, "<textarea", "do=", `name="do"`)
	if a := o.as(viewer).post(schedulePath, typed(1, "save", hours("5"))); a.status != http.StatusForbidden {
		t.Errorf("who may only look can save: %d", a.status)
	}
	if a := o.as(nobody).get(schedulePath); a.status != http.StatusNotFound {
		t.Errorf("who has no role gets %d", a.status)
	}
}

func TestARuleIsShownWhileItIsTyped(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	d := o.as(editor)
	before := o.everything()
	check := func(rows ...map[string]string) string {
		t.Helper()
		a := d.get(schedulePath+"/check?"+typed(1, "", rows...), "HX-Request", "true")
		if a.status != http.StatusOK {
			t.Fatalf("%d\n%s", a.status, a.body)
		}
		wantsNo(t, "a part of a page", a.body, "<html", "<form")
		return a.said()
	}
	wants(t, "days", check(map[string]string{"way": daysBefore, "days": "3", "clock": "09:00"}), "3 days before, at 09:00", "Sunday 22 Nov 2026, 09:00", "(08:00 UTC", "1 reminder, nothing to mend")
	wants(t, "cron", check(map[string]string{"way": byCron, "cron": "0 9 * * MON-FRI", "from": "30", "fromunit": "days", "until": "1", "untilunit": "days"}),
		"at 09:00 on weekdays from 30 days to 1 day before", "Monday 23 Nov 2026, 09:00", "19 of 21 are past")
	wants(t, "a window that holds many", check(map[string]string{"way": byCron, "cron": "0 10,12 * * *", "from": "4", "fromunit": "days"}), "Sunday 22 Nov 2026, 10:00", "and 3 more")
	wants(t, "night", check(map[string]string{"way": daysBefore, "days": "1", "clock": "03:00"}), "in the night", "1 reminder, 1 note")
	wants(t, "two of the same", check(hours("5"), hours("5")), "is the same rule as that of the reminder number 1", "2 reminders, 1 to be mended")
	wants(t, "neighbours", check(hours("5"), map[string]string{"way": hoursBefore, "count": "290", "unit": "m"}), "the rule fires 10m after")
	wants(t, "after the start", check(map[string]string{"way": daysBefore, "days": "0", "clock": "18:00"}), "the rule never fires", "Error:")
	for name, row := range map[string]map[string]string{"a word": hours("two"), "nothing": hours(""), "too much": hours("9999999")} {
		wants(t, name, check(row), "Write a whole number.", "This can’t be read yet.", `id="fault-count-1" hx-swap-oob="innerHTML">Write`)
	}
	wants(t, "far away", check(hours("99999")), "is more than 400 days from the event")
	wants(t, "an hour that there is not", check(map[string]string{"way": daysBefore, "days": "1", "clock": "25:00"}), `id="fault-clock-1" hx-swap-oob="innerHTML">has "25:00" as its time of day`)
	wants(t, "another language", d.get(schedulePath+"/check?"+typed(1, "", hours("1")), "HX-Request", "true", "Accept-Language", "es").said(), "1 hora antes del comienzo", "miércoles 25 nov")
	wants(t, "what is odd, in another language", d.get(schedulePath+"/check?"+typed(1, "", map[string]string{"way": daysBefore, "days": "1", "clock": "03:00"}), "HX-Request", "true", "Accept-Language", "fr").said(),
		"À noter :", "le message part mardi 24 novembre 2026, 3 h 00, la nuit (Europe/Brussels) ; choisissez une heure")
	wants(t, "what is wrong, in another language", d.get(schedulePath+"/check?"+typed(1, "", hours("99999")), "HX-Request", "true", "Accept-Language", "es").said(), "está a más de 400 días del evento; escriba un tiempo más corto")
	wants(t, "a script in a field", d.get(schedulePath+"/check?"+typed(1, "", map[string]string{"way": daysBefore, "days": "1", "clock": "<script>"}), "HX-Request", "true").body, "&lt;script&gt;")
	many := make([]map[string]string, 50)
	for i := range many {
		many[i] = hours(strconv.Itoa(i + 1))
	}
	wants(t, "very many, which no address has room for", d.post(schedulePath+"/check", typed(1, "", many...), "HX-Request", "true").said(), "50 reminders", "50 hours before the start")
	wants(t, "one more", d.post(schedulePath+"/check", typed(1, "", slices.Concat(many, many[:1])...), "HX-Request", "true").said(), "51 reminders", "are more than 50")
	if o.everything() != before {
		t.Error("typing changed something")
	}
	if a := d.get(schedulePath + "/check?" + typed(1, "", hours("1"))); a.status != http.StatusSeeOther {
		t.Errorf("without htmx it is %d", a.status)
	}
}

func TestRowsAreAddedMovedAndRemovedWithoutSavingAnything(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	d := o.as(editor)
	before := o.everything()
	first := map[string]string{"way": hoursBefore, "count": "24", "unit": "h", "note.en": "<Bring> your badge.", "note.ca": "Porteu-la."}
	second := map[string]string{"way": hoursAfter, "count": "x", "unit": "m"}
	a := d.post(schedulePath, typed(1, "down.1", first, second))
	if a.status != http.StatusOK {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	wants(t, "what was moved", a.body, `name="count.1" class="live" value="x"`, `name="count.2" class="live" value="24"`, `name="note.2.en"`, "&lt;Bring&gt; your badge.", `name="note.2.ca"`, "autofocus")
	a = d.post(schedulePath, typed(1, "add", first))
	wants(t, "what was added", a.body, `name="count.2" class="live" value=""`, `name="rules" value="2"`)
	a = d.post(schedulePath, typed(1, "remove.1", first, second))
	wants(t, "what was removed", a.body, `name="count.1" class="live" value="x"`, `name="rules" value="1"`)
	a = d.post(schedulePath, typed(1, "remove.1", second))
	wants(t, "nothing left", a.said(), "There are no reminders", `name="rules" value="0"`)
	for _, do := range []string{"up.1", "down.2", "up.9", "remove.x", "nonsense", ""} {
		a = d.post(schedulePath, typed(1, do, first, second))
		if a.status != http.StatusOK || !strings.Contains(a.body, `name="count.1" class="live" value="24"`) {
			t.Errorf("%s: %d\n%s", do, a.status, a.body)
		}
	}
	for _, form := range []string{"do=save", "do=save&rules=1", "do=save&revision=1", "do=save&revision=one&rules=1", "%zz"} {
		if a := d.post(schedulePath, form); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", form, a.status)
		}
	}
	if o.everything() != before {
		t.Error("something was changed")
	}
}

func TestASaveShowsFirstWhomItMails(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	o.enrol(store.Entry{Email: "a@example.net", Language: "en"}, store.Entry{Email: "b@example.net", Language: "fr"}, store.Entry{Email: "c@example.net", Language: "fr"})
	o.at(early.Add(time.Hour))
	d := o.as(editor)
	before := o.everything()
	soon := map[string]string{"way": hoursBefore, "count": "119", "unit": "h", "late": "fold"} // this very moment
	a := d.post(schedulePath, typed(1, "review", soon))
	if a.status != http.StatusOK {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	wants(t, "the page that asks", a.said(), "This will mail 3 people now.", "In: English 1, Français 2.", "Save, and mail 3 people now", `name="mails" value="3"`, "119 hours before the start", "new", "dropped", "before 24h")
	if o.everything() != before {
		t.Error("to look changed something")
	}
	// Who says yes to fewer than it now is, is asked again.
	for _, said := range []string{"", "2", "many"} {
		a = d.post(schedulePath, typed(1, "save", soon)+"&mails="+said)
		if a.status != http.StatusOK || o.everything() != before {
			t.Fatalf("with %q said: %d\n%s", said, a.status, a.body)
		}
		wants(t, "the page that asks again", a.said(), "This will mail 3 people now.")
	}
	wants(t, "the second page", d.post(schedulePath, typed(1, "save", soon)+"&mails=2").said(), "Meanwhile it concerns more people")
	// Back leads to the editor, with all that was typed.
	wants(t, "back", d.post(schedulePath, typed(1, "edit", soon)).body, `name="count.1" class="live" value="119"`)
	woken := o.woken
	a = d.post(schedulePath, typed(1, "save", soon)+"&mails=3")
	if a.status != http.StatusSeeOther || a.header.Get("Location") != schedulePath+"?done=saved" || o.woken == woken {
		t.Fatalf("%d to %s", a.status, a.header.Get("Location"))
	}
	wants(t, "after it", d.get(schedulePath+"?done=saved").said(), "The schedule is saved.", "119 hours before")
	o.at(o.clock())
	if got := o.kinds("b@example.net"); got != "confirmation, reminder" {
		t.Errorf("she got %s", got)
	}
	if got := o.sql(`SELECT made_by FROM convened.revisions WHERE revision = 2`); got != editor {
		t.Errorf("made by %s", got)
	}
	wants(t, "the trail", d.get("/events/webinar/history").said(), editor, "event changed", "reminders")
	// The same again is nothing.
	if a := d.post(schedulePath, typed(2, "review", soon)); a.header.Get("Location") != schedulePath+"?done=same" {
		t.Errorf("the same again: %d to %s", a.status, a.header.Get("Location"))
	}
}

func TestALaterMailIsSaidWithItsInstant(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	o.enrol(store.Entry{Email: "ana@example.net"})
	a := o.as(editor).post(schedulePath, typed(1, "review", hours("24"), hours("3"), map[string]string{"way": hoursAfter, "count": "2", "unit": "h"}), "Accept-Language", "fr")
	wants(t, "the page that asks", a.said(), "Personne ne reçoit de message maintenant.", "Le premier message que cela modifie est pour 1 personne : mercredi 25 nov. 2026, 13 h 00 (12 h 00 UTC).", "nouveau", "3 heures avant le début")
	wantsNo(t, "the page that asks", a.said(), "24 heures avant")
}

func TestMistakesAreShownBesideTheFieldAndNothingIsLost(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	o.desk.HasTemplate = func(name string) (bool, error) { return name == "reminder", nil }
	d := o.as(editor)
	before := o.everything()
	bad := map[string]string{"way": byCron, "cron": "0 3 31 2 *", "from": "7", "fromunit": "days", "most": "0", "name": "x\ny", "template": "a b", "late": "never", "note.fr": "Bonjour {nom}"}
	a := d.post(schedulePath, typed(1, "save", bad))
	if a.status != http.StatusUnprocessableEntity {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	wants(t, "the editor", a.said(), "Something is not right yet.", "is no number of mails", "is not the name of a template", "{nom} is not known", `value="0 3 31 2 *"`, "Bonjour {nom}", "aria-invalid", "<details open")
	if o.everything() != before {
		t.Error("something was saved")
	}
	// A template that there is not is only known to the desk.
	missing := hours("24")
	missing["template"] = "lastcall"
	a = d.post(schedulePath, typed(1, "review", missing))
	if a.status != http.StatusUnprocessableEntity {
		t.Errorf("%d", a.status)
	}
	wants(t, "the editor", a.said(), "There is no template of this name.", "<details open")
}

func TestTheSecondOfTwoEditorsLosesNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	first, second := o.as(chief), o.as(editor)
	if a := first.post(schedulePath, typed(1, "save", hours("24"), hours("2"))+"&mails=0"); a.status != http.StatusSeeOther {
		t.Fatalf("the first: %d\n%s", a.status, a.body)
	}
	for _, do := range []string{"review", "save"} {
		a := second.post(schedulePath, typed(1, do, hours("24"), hours("7"))+"&mails=0")
		if a.status != http.StatusConflict {
			t.Fatalf("%s of the second: %d\n%s", do, a.status, a.body)
		}
		wants(t, "what the second sees", a.said(), "Somebody else changed this event meanwhile.", "Changed by "+chief, "before 2h", `name="count.2" class="live" value="7"`, `name="revision" value="2"`)
	}
	if got := o.sql(`SELECT string_agg(rule, ', ' ORDER BY position) FROM convened.reminders`); got != "before 24h, before 2h" {
		t.Errorf("the rules are %s", got)
	}
	if a := second.post(schedulePath, typed(2, "save", hours("24"), hours("7"))+"&mails=0"); a.status != http.StatusSeeOther {
		t.Errorf("knowing that: %d", a.status)
	}
}

// Every rule that an event may have can be shown in the form, and is the same when it
// comes back.
func TestAFormKeepsEveryRule(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	rules := []string{"before: 24h", "before: 90m", "before: 2h1m", "before: 45s", "before: 3 days", "before: 3 days at 09:00", "before: 1 day", "before: 0 days at 08:00",
		"after: 2h", "after: 1 day at 10:00", "after: 2 days", `cron: "0 9 * * MON-FRI"` + "\n    from: 7 days\n    until: 1 day\n    at_most: 3", `cron: "30 10 * * *"` + "\n    from: 36h",
		`cron: "0 11 * * *"` + "\n    from: 10 days\n    until: 90m", "before: 5h\n    name: five\n    late: catch-up\n    template: reminder\n    note: {en: \"A note: {name}\", ca: \"Una nota\"}"}
	o.apply("  - before: 24h\n  - after: 2h\n", "  - "+strings.Join(rules, "\n  - ")+"\n")
	e, err := o.store.Event(t.Context(), "webinar")
	if err != nil {
		t.Fatal(err)
	}
	d := o.as(editor)
	form := fieldsOf(t, d.get(schedulePath).body)
	form.Set("do", "review")
	if a := d.post(schedulePath, form.Encode()); a.header.Get("Location") != schedulePath+"?done=same" {
		t.Errorf("the form as it is shown is another schedule: %d\n%s", a.status, a.said())
	}
	// The page that asks carries everything along.
	form.Set("count.1", "25")
	again := fieldsOf(t, d.post(schedulePath, form.Encode()).body)
	again.Set("do", "save")
	if a := d.post(schedulePath, again.Encode()); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.said())
	}
	after, err := o.store.Event(t.Context(), "webinar")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range e.Reminders {
		got := after.Reminders[i]
		if i == 0 {
			want.Key, want.Rule = "before 25h", "before 25h"
		}
		if got.Key != want.Key || got.Rule != want.Rule || got.Late != want.Late || got.Template != want.Template || got.Note.In("ca") != want.Note.In("ca") || got.Note.In("en") != want.Note.In("en") {
			t.Errorf("%+v became %+v", want, got)
		}
	}
	if after.Introduction.In("en") != e.Introduction.In("en") {
		t.Error("the introduction is gone")
	}
}

// fieldsOf returns what a browser would send of the form in the content of a page.
func fieldsOf(t *testing.T, page string) url.Values {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	for n := range root.Descendants() {
		attr := map[string]string{}
		for _, a := range n.Attr {
			attr[a.Key] = a.Val
		}
		if attr["name"] == "" || n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "input":
			form.Set(attr["name"], attr["value"])
		case "textarea":
			if n.FirstChild != nil {
				form.Set(attr["name"], n.FirstChild.Data)
			}
		case "select":
			for o := range n.Descendants() {
				for _, a := range o.Attr {
					if a.Key != "selected" {
						continue
					}
					for _, v := range o.Attr {
						if v.Key == "value" {
							form.Set(attr["name"], v.Val)
						}
					}
				}
			}
		}
	}
	return form
}
