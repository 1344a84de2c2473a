package console

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
)

// wellMade looks at a page as it is: axe finds nothing, it needs no sideways scrolling,
// the browser refused nothing, and nothing moved while it was built.
func (b *browser) wellMade(name string) {
	b.t.Helper()
	for _, v := range b.violations() {
		b.t.Errorf("%s: %s", name, v)
	}
	if over := ask[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
		b.t.Errorf("%s is %d pixels too wide", name, over)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Errorf("%s: the browser says: %s", name, c)
	}
	b.complaints = nil
}

// The pages of the frame, the events, the overview and the history, in each language, on
// a phone and on a desk, in light and in dark.
func TestTheConsoleIsForEverybody(t *testing.T) {
	o := openOffice(t)
	o.desk.Post = &postbox{stage: o.stage}
	o.busy()
	b := newBrowser(t)
	call(b, network.ClearBrowserCookies, cdp.Empty{})
	pages := []struct {
		name, path string
		dark       bool // is looked at in the dark, too: it has something that others have not
	}{
		{"events", "/events", true}, {"overview", "/events/webinar", true}, {"history", "/events/webinar/history", false}, {"trail", "/history", false}, {"not found", "/no/such/page", false},
		{"edit", "/events/webinar/edit", true}, {"cancel", "/events/webinar/cancel", false}, {"new", "/new", false},
	}
	looks := []struct {
		language, scheme string
		width            int64
	}{{"en", "light", 1200}, {"fr", "dark", 1200}, {"es", "light", 360}}
	b.look(360, "light")
	b.open(o.origin+"/signin", "fr")
	b.wellMade("sign in")
	b.picture("console sign in")
	for _, look := range looks {
		b.look(look.width, look.scheme)
		b.enter(o, chief, "/events", look.language)
		for _, p := range pages {
			if look.scheme == "dark" && !p.dark {
				continue
			}
			name := fmt.Sprintf("console %s %s %d", p.name, look.language, look.width)
			b.open(o.origin+p.path, look.language)
			b.wellMade(name)
			b.picture(name)
		}
	}
}
