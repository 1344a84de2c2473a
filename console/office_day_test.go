package console

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// follow presses Enter on what a selector finds, and waits for the page that it leads to.
func (b *browser) follow(selector string) {
	b.t.Helper()
	b.seize(selector)
	b.press(kb.Enter)
}

// seize puts the focus on what a selector finds.
func (b *browser) seize(selector string) {
	b.t.Helper()
	quoted, err := json.Marshal(selector)
	if err != nil {
		b.t.Fatal(err)
	}
	b.await(fmt.Sprintf(`(e => e !== null && (e.focus(), document.activeElement === e))(document.querySelector(%s))`, quoted))
}

// write replaces what stands in a field.
func (b *browser) write(selector, text string) {
	b.t.Helper()
	b.seize(selector)
	ask[int](b, `document.activeElement.value = "", 0`)
	b.do(chromedp.KeyEvent(text))
}

// reads wants words on the page.
func (b *browser) reads(what string, words ...string) {
	b.t.Helper()
	wants(b.t, what, strings.ReplaceAll(ask[string](b, `document.querySelector("main").innerText`), "\u00a0", " "), words...)
}

// TestTheOrganisersDay is what the console is for, with a keyboard, in a real browser:
// signing in, writing a schedule, watching the letters go, moving the event, and finding
// out why one person got nothing.
func TestTheOrganisersDay(t *testing.T) {
	o := openOffice(t)
	o.desk.Post = &postbox{stage: o.stage}
	b := newBrowser(t)
	call(b, network.ClearBrowserCookies, cdp.Empty{})
	b.look(1200, "light")

	// Signing in, and being led to where one wanted to go.
	b.open(o.origin+"/events/webinar/schedule", "en")
	b.write("#email", editor)
	b.write("#password", "not the password")
	b.press(kb.Enter)
	b.reads("the page to sign in", "Sign in")
	b.await(`document.querySelector("[role=alert]").innerText.includes("No user has this address")`)
	b.write("#email", editor)
	b.write("#password", password)
	b.press(kb.Enter)
	if got := ask[string](b, `location.pathname`); got != "/events/webinar/schedule" {
		t.Fatalf("signing in leads to %s", got)
	}

	// Writing a schedule: the reminder goes out two hours before, and not a day.
	b.write("#count-1", "2")
	b.await(`document.querySelector("#sight-1 .words").innerText.includes("2 hours before the start")`)
	b.follow(`button[value="review"]`)
	b.follow(`button[value="save"]`)
	b.reads("the schedule", "2 hours before the start", "The schedule is saved.")

	// Watching the letters go: people register, and the day has come.
	o.busy()
	o.at(starts.Add(-3 * time.Hour))
	b.enter(o, editor, "/events/webinar", "en") // days have passed
	b.reads("the overview", "How things stand", "2 hours before the start", "to come")
	gate := o.holdBack()
	t.Cleanup(func() { close(gate) }) // whatever happens, the daemon can end
	o.mu.Lock()
	o.now = starts.Add(-2 * time.Hour)
	now := o.now
	o.mu.Unlock()
	sent := make(chan error, 1)
	go func() { sent <- o.sched.Until(t.Context(), now) }()
	gate <- struct{}{} // one has left
	b.do(chromedp.Reload())
	b.await(`document.querySelector("progress")?.max === 4`)
	b.wellMade("console burst")
	b.picture("console burst")
	for range 3 {
		gate <- struct{}{}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	// Nobody reloads: the bar goes by itself, and the figures say what was sent.
	b.await(`document.querySelector("progress") === null && [...document.querySelectorAll("#live dd")].some(e => e.innerText === "8")`)

	// Moving the event to the next morning, after a look at the letters.
	o.mu.Lock()
	o.gate = nil
	o.mu.Unlock()
	b.follow(`a[href$="/edit"]`)
	ask[int](b, `document.getElementById("starts").value = "2026-11-26T10:00", document.getElementById("ends").value = "2026-11-26T11:00", 0`)
	b.follow(`button[value="look"]`)
	b.reads("the page that asks", "2026-11-26 10:00", "4 people", "They are told at once.", "Thursday 26 November 2026")
	b.wellMade("console review")
	b.picture("console review")
	b.follow(`button[value="save"]`)
	b.reads("the overview", "everybody concerned is being told", "Thursday 26 November 2026, 10:00–11:00")
	o.at(o.clock())
	if got := o.kinds("kenji@example.net"); got != "confirmation, reminder, update" {
		t.Errorf("Kenji got %s", got)
	}

	// Finding out why one person got nothing.
	b.follow(`a[href$="/registrants"]`)
	b.write("#q", "nobody")
	b.await(`[...document.querySelectorAll("#people tbody tr")].length === 1`)
	b.follow(`#people tbody a`)
	b.reads("the person's story", "Nobody", "no address")
	b.await(`document.querySelector("main .status.off") !== null`)
	b.picture("console person")

	// And what was done is written down.
	b.follow(`a[href$="/events/webinar/history"]`)
	b.reads("the history", "event changed", editor, "starts, ends; 4 to be told")
	b.quiet()
}
