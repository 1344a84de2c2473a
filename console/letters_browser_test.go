package console

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"convened"
	"convened/store"
)

// goTo moves the focus as a click does.
func (b *browser) goTo(selector string) {
	b.t.Helper()
	ask[int](b, "document.querySelector(`"+selector+"`).focus(), 0")
}

func TestInABrowserALetterShowsWhatIsTyped(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.desk.Post = &postbox{stage: o.stage, outcome: convened.Outcome{State: convened.Sent}}
	o.enrol(store.Entry{Email: "ana@example.net", Name: "Ana Díaz", Language: "es"}, store.Entry{Email: "bo@example.net", Name: "Bo Ek", Language: "en"})
	b := newBrowser(t)
	b.look(1200, "light")
	b.enter(o, editor, lettersPath+"?kind=reminder", "fr")
	b.inspect("letters", "fr")
	b.look(1200, "light")

	b.goTo("summary")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.focus("#note-1-en")
	b.do(chromedp.KeyEvent("Bring {nam} "))
	b.await(`document.querySelector("#fault-note-1-en").innerText.includes("{nam}")`)
	b.await(`document.querySelector("#letter iframe") === null`)
	b.do(chromedp.KeyEvent(kb.Backspace), chromedp.KeyEvent(kb.Backspace), chromedp.KeyEvent("e}."))
	b.await(`document.querySelector("#fault-note-1-en").innerText === "" && document.querySelectorAll("#letter iframe").length === 2`)
	b.goTo(`#language`)
	b.do(chromedp.KeyEvent("engl"))
	b.await(`document.querySelector("#letter pre").textContent.includes("Bring Amélie Laurent.")`)
	if got := ask[string](b, `document.activeElement.id`); got != "language" {
		t.Errorf("the focus is on %q", got)
	}
	b.goTo(`#search`)
	b.do(chromedp.KeyEvent("dia"))
	b.await(`document.querySelectorAll("#who optgroup:last-child option").length === 1`)
	b.goTo(`#who`)
	b.do(chromedp.KeyEvent("ana"))
	b.await(`document.querySelector("#letter pre").textContent.includes("Bring Ana Díaz.")`)
	b.goTo(`#kind`)
	b.do(chromedp.KeyEvent("conf"))
	b.await(`document.querySelector("#rule") === null && document.querySelector("#note-1-en") === null`)
	b.await(`document.querySelector("#letter pre").textContent.includes("Ana Díaz")`)
	b.await(`performance.getEntriesByType("resource").filter(e => e.initiatorType === "iframe" && e.transferSize > 5000 && e.name.includes("kind=confirmation")).length >= 2`)
	b.inspect("letters in English", "fr")
	b.goTo(`button[value="save"]`)
	b.press(kb.Enter)
	wants(t, "what was saved", ask[string](b, `document.body.innerText`), "Les textes sont enregistrés.")
	if got := o.sql(`SELECT note->>'en' FROM convened.reminders WHERE name = 'before 24h'`); got != "Bring {name}." {
		t.Errorf("the note is %q", got)
	}
	b.quiet()
}
