package console

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"convened/store"
)

// await waits until a condition holds on the page.
func (b *browser) await(condition string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](condition)); err != nil {
		b.t.Fatalf("%s: %v", condition, err)
	}
}

// quiet wants that the browser had nothing to complain of.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		// htmx moves the focus itself, and axe would speak to what is in a sandboxed frame.
		if strings.Contains(c, "Autofocus processing was blocked") || strings.Contains(c, "Failed to execute 'postMessage'") {
			continue
		}
		b.t.Errorf("the browser complains: %s", c)
	}
}

func TestInABrowserTheScheduleIsSaidWhileItIsTyped(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.enrol(store.Entry{Email: "a@example.net", Language: "en"}, store.Entry{Email: "b@example.net", Language: "fr"})
	b := newBrowser(t)
	b.look(360, "light")
	b.enter(o, editor, schedulePath, "en")
	b.inspect("schedule", "en")
	b.focus("#count-1")
	b.do(chromedp.KeyEvent(kb.End), chromedp.KeyEvent(kb.Backspace))
	b.await(`document.querySelector("#sight-1 .words").innerText === "2 hours before the start"`)
	b.do(chromedp.KeyEvent("x"))
	b.await(`document.querySelector("#fault-count-1").innerText === "Write a whole number."`)
	b.do(chromedp.KeyEvent(kb.Backspace))
	b.await(`document.querySelector("#fault-count-1").innerText === ""`)
	b.focus("#add")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.await(`document.activeElement.id === "way-3"`)
	if got := ask[string](b, `document.querySelector("#count-1").value`); got != "2" {
		t.Errorf("what was typed is now %q", got)
	}
	b.do(chromedp.KeyEvent("again"))
	b.await(`document.querySelector("#cron-3").checkVisibility() && !document.querySelector("#count-3").checkVisibility()`)
	b.inspect("schedule with a cron line", "en")
	b.focus("#cron-3")
	b.do(chromedp.KeyEvent("0 9 * * *"))
	b.await(`document.querySelector("#sight-3").innerText.includes("at 09:00 every day from 7 days before until the start")`)
	b.focus(`button[value="review"]`)
	b.press(kb.Enter)
	wants(t, "the page that asks", ask[string](b, `document.body.innerText`), "This mails nobody now.", "at 09:00 every day", "new", "dropped")
	b.inspect("schedule review", "en")
	b.focus(`button[value="save"]`)
	b.press(kb.Enter)
	wants(t, "what was saved", ask[string](b, `document.body.innerText`), "The schedule is saved.")
	b.quiet()
	if got := o.sql(`SELECT string_agg(rule, ', ' ORDER BY position) FROM convened.reminders`); !strings.HasPrefix(got, "before 2h, after 2h, cron 0 9 * * *") {
		t.Errorf("the rules are %s", got)
	}
}
