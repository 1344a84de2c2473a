package console

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"
)

// unmuted takes a mute back in the database.
func (s *stage) unmuted(email string) {
	s.t.Helper()
	r := s.seat(email)
	if r.MutedAt.IsZero() {
		return
	}
	if _, err := s.store.Unmute(s.t.Context(), s.clock(), "webinar", r.ID); err != nil {
		s.t.Fatal(err)
	}
}

// What providers send, from the bytes on: no cookie, no Origin, nothing of a browser.
func TestOneClickMutesAsProvidersSendIt(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	if err := parts.WriteField("List-Unsubscribe", "One-Click"); err != nil {
		t.Fatal(err)
	}
	if err := parts.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, body string
		header     []string
	}{
		{"Gmail", "List-Unsubscribe=One-Click", []string{"User-Agent", "Mozilla/5.0 (compatible; Google-Gmail-Unsubscribe)", "Accept-Encoding", "gzip, deflate, br", "Cache-Control", "no-cache"}},
		{"Yahoo", "List-Unsubscribe=One-Click", []string{"User-Agent", "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"}},
		{"RFC 8058, section 8.2", form.String(), []string{"Content-Type", parts.FormDataContentType()}},
		{"Apple", "List-Unsubscribe=One-Click", []string{"Content-Type", "application/x-www-form-urlencoded", "Accept", "*/*", "Accept-Language", "fr-FR"}},
		{"an older HTTP", "List-Unsubscribe=One-Click\r\n", nil},
		{"another type", "List-Unsubscribe=One-Click", []string{"Content-Type", "text/plain"}},
		{"no type", "List-Unsubscribe=One-Click", []string{"Content-Type", ""}},
		{"no body", "", nil},
		{"a body that is none", "%zz&&&=;\x00", nil},
		{"a broken multipart", "--x\r\n", []string{"Content-Type", "multipart/form-data; boundary=x"}},
	} {
		s.unmuted("ana@example.net")
		for _, url := range []string{outOf(link), outOf(link), link + "/unsubscribe"} { // and twice
			a := s.do(http.MethodPost, url, tt.body, tt.header...)
			if a.status != http.StatusOK || a.header.Get("Location") != "" || a.header.Get("Set-Cookie") != "" {
				t.Errorf("%s: %d, %v", tt.name, a.status, a.header)
			}
			wants(t, tt.name, a.body, "The reminders are stopped")
			if r := s.seat("ana@example.net"); r.MutedAt.IsZero() || !r.CancelledAt.IsZero() {
				t.Errorf("%s: muted at %s, cancelled at %s", tt.name, r.MutedAt, r.CancelledAt)
			}
		}
	}
	s.at(starts.Add(-24 * time.Hour))
	if got := s.kinds("ana@example.net"); got != "confirmation" {
		t.Errorf("after the one click she got %s", got)
	}
}

// The header that makes providers send it, and the link in it, are those of the letter.
func TestTheLetterPromisesTheOneClick(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	wants(t, "the letter", string(s.received("ana@example.net")[0].Data),
		"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "<"+outOf(link)+">\r\n")
}

func TestOurOwnButtonLeadsBackToThePage(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	ask := s.get(outOf(link)).body
	wants(t, "the question", ask, "Stop the reminders?", "You will get no more reminders for this event:", "You keep your seat, and we still write to you",
		`action="`+outOf(link)[len(origin):]+`"`, `<input type="hidden" name="from" value="page">`)
	a := s.post(outOf(link), "from=page")
	if a.status != http.StatusSeeOther || a.header.Get("Location") != link[len(origin):]+"?done=muted" {
		t.Errorf("the button: %d to %s", a.status, a.header.Get("Location"))
	}
	if s.seat("ana@example.net").MutedAt.IsZero() {
		t.Error("the button mutes nobody")
	}
	already := s.get(outOf(link)).body
	wants(t, "once more", already, "<h1>The reminders are stopped</h1>", "See your registration")
	wantsNo(t, "once more", already, "<button")
}

func TestABodyThatIsTooLargeIsNotRead(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	before := s.everything()
	large := "List-Unsubscribe=One-Click&x=" + strings.Repeat("x", maxBody)
	for _, url := range []string{outOf(link), link + "/choices"} {
		if a := s.post(url, large); a.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", url, a.status)
		}
	}
	if after := s.everything(); after != before {
		t.Error("something was changed")
	}
}
