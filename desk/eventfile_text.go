package desk

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"convened"
	"convened/address"
	"convened/config"
	"convened/templates"
)

// What letters have room for; more would be cut there, so it is refused here.
const (
	maxLine = 300
	maxText = templates.MaxPlaceholderText
	maxURL  = 2000
)

// languageCodes is what people write instead of a code.
var languageCodes = map[string]string{
	"english": "en", "anglais": "en", "inglés": "en", "ingles": "en", "french": "fr", "français": "fr", "francais": "fr", "francés": "fr", "frances": "fr",
	"spanish": "es", "español": "es", "espanol": "es", "espagnol": "es", "castellano": "es", "german": "de", "deutsch": "de", "portuguese": "pt",
	"português": "pt", "italian": "it", "italiano": "it", "dutch": "nl", "nederlands": "nl", "catalan": "ca", "català": "ca", "arabic": "ar", "uk": "en", "us": "en",
	"gb": "en", "mx": "es", "jp": "ja", "cn": "zh", "dk": "da", "se": "sv", "cz": "cs", "gr": "el",
}

var (
	languageForm = regexp.MustCompile(`^[a-z]{2,3}$`)
	tagForm      = regexp.MustCompile(`^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$`)
)

// languageMend guesses the code that was meant.
func languageMend(text string) string {
	if code, ok := languageCodes[strings.ToLower(text)]; ok {
		return "write " + code
	}
	if base := convened.BaseLanguage(text); languageForm.MatchString(base) {
		return "write " + base
	}
	return "write a code of two letters, such as fr"
}

func (r *reading) language() {
	e, all := &r.event, convened.Languages()
	e.Language = all[0]
	switch text := r.file.Language; {
	case text == "":
	case slices.Contains(all, text):
		e.Language = text
	default:
		mend := "write one of " + strings.Join(all, ", ") + "; titles and texts can be in others all the same"
		if m := languageMend(text); slices.Contains(all, strings.TrimPrefix(m, "write ")) {
			mend = m
		}
		r.refuse("language", "is not a language that letters are written in", mend)
	}
	if e.HeldIn = r.file.HeldIn; e.HeldIn != "" && !tagForm.MatchString(e.HeldIn) {
		r.refuse("held_in", "is not the code of a language", languageMend(e.HeldIn))
	}
}

// words reads the texts that letters print.
func (r *reading) words() {
	e, f := &r.event, r.file
	e.Title = r.text("title", f.Title, maxLine, true)
	e.Location = r.text("location", f.Location, maxLine, true)
	e.Description = r.text("description", f.Description, maxText, false)
	e.Introduction = r.prose("introduction", f.Introduction)
	if len(e.Title) == 0 && !r.meant["title"] && !slices.ContainsFunc(r.problems, func(p config.Problem) bool { return strings.HasPrefix(p.Key, "title.") }) {
		r.refuse("title", "is required", `write title: and what the event is called, or {fr: "…", en: "…"}`)
	}
}

// prose reads a text that may have placeholders.
func (r *reading) prose(path string, w words) convened.Text {
	t := r.text(path, w, maxText, false)
	for _, language := range sortedLanguages(t) {
		if err := templates.CheckPlaceholders(t[language]); err != nil {
			rule, mend, _ := strings.Cut(err.Error(), "; what can stand there: ")
			r.refuse(r.pathOf(path, language), "has a placeholder that can't be filled in: "+rule, "write one of "+mend)
		}
	}
	return t
}

// text reads what is written by language; nil if there is none.
func (r *reading) text(path string, w words, most int, line bool) convened.Text {
	var t convened.Text
	for _, language := range sortedLanguages(w) {
		at, s := path, w[language]
		if language != "" || r.doc.Mentions(path+".") {
			at = path + "." + language
			if !languageForm.MatchString(language) {
				r.refuse(at, "is not under the code of a language", languageMend(language))
				continue
			}
		} else if language = r.event.Language; s == "" {
			continue // as good as not there
		}
		if s == "" {
			r.refuse(at, "is empty", "write the text, or leave the language out")
			continue
		}
		r.checkText(at, s, most, line)
		if t == nil {
			t = convened.Text{}
		}
		t[language] = s
	}
	return t
}

// pathOf is where the text in a language is written: under it, or without one.
func (r *reading) pathOf(path, language string) string {
	if at := path + "." + language; r.doc.Mentions(at) {
		return at
	}
	return path
}

func sortedLanguages[M ~map[string]string](m M) []string {
	languages := make([]string, 0, len(m))
	for language := range m {
		languages = append(languages, language)
	}
	sort.Strings(languages)
	return languages
}

func (r *reading) checkText(path, s string, most int, line bool) {
	if n := utf8.RuneCountInString(s); n > most {
		r.refuse(path, fmt.Sprintf("has %d characters", n), fmt.Sprintf("shorten it to %d", most))
	}
	for _, c := range s {
		switch {
		case line && (c == '\n' || c == '\u2028' || c == '\u2029'):
			r.refuse(path, "has more than one line", "write it on one, with commas")
		case c == '\n' || c == '\t':
		case unicode.IsControl(c) || c == utf8.RuneError:
			r.refuse(path, fmt.Sprintf("has the control character U+%04X", c), "take it out")
		}
	}
}

// oneLine reads a name.
func (r *reading) oneLine(path, s string) string {
	r.checkText(path, s, maxLine, true)
	return s
}

func (r *reading) email(path, s string) string {
	if s == "" {
		return ""
	}
	if _, err := address.Parse(s); err != nil {
		why := strings.TrimPrefix(err.Error(), convened.ErrRefused.Error()+": ")
		mend := "write one such as events@example.org"
		if _, inside, ok := strings.Cut(strings.TrimSuffix(s, ">"), "<"); ok {
			if a, err := address.Parse(inside); err == nil {
				mend = "write " + a.String() + ", and the name under organizer.name"
			}
		}
		r.refuse(path, "is not a mail address: "+why, mend)
	}
	return s
}

func (r *reading) links() {
	e, f := &r.event, r.file
	e.JoinURL = r.url("join_url", f.JoinURL, false)
	e.PageURL = r.url("page_url", f.PageURL, false)
	e.Logo = r.url("logo", f.Logo, true)
}

// url reads an absolute web address.
func (r *reading) url(path, s string, secure bool) string {
	if s == "" {
		return ""
	}
	mend := "write something like https://example.org/event"
	u, err := url.Parse(s)
	switch {
	case len(s) > maxURL:
		r.refuse(path, fmt.Sprintf("is longer than %d bytes", maxURL), "write a shorter address")
	case strings.ContainsFunc(s, func(c rune) bool { return unicode.IsSpace(c) || !unicode.IsPrint(c) }):
		r.refuse(path, "is a web address with a blank in it", "write %20 for a blank")
	case err == nil && u.Scheme == "" && u.Host == "" && strings.Contains(strings.SplitN(s, "/", 2)[0], "."):
		r.refuse(path, "is a web address without https://", "write https://"+s)
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		r.refuse(path, "is not a web address", mend)
	case u.User != nil:
		r.refuse(path, "is a web address with a user or password in it", "leave out what stands before the @")
	case secure && u.Scheme != "https":
		r.refuse(path, "is not https, and mail programs show no other pictures", "write https://"+strings.TrimPrefix(s, u.Scheme+"://"))
	}
	return s
}

var (
	colourForm = regexp.MustCompile(`^#[0-9a-f]{6}$`)
	shortForm  = regexp.MustCompile(`^#?([0-9a-f])([0-9a-f])([0-9a-f])$`)
)

// looks reads what concerns the appearance of the letters, and the sign-up page.
func (r *reading) looks() {
	c := strings.ToLower(r.file.Colour)
	switch short := shortForm.FindStringSubmatch(c); {
	case c == "" && r.doc.Mentions("colour") && !r.doc.Has("colour"):
		// The likeliest reason: colour: #1a5fb4.
		r.refuse("colour", "has no value, for # begins a comment", `put it in quotation marks: colour: "#1a5fb4"`)
	case c == "" || colourForm.MatchString(c):
		r.event.Colour = c
	case colourForm.MatchString("#" + c):
		r.refuse("colour", "is not a colour", fmt.Sprintf("write %q", "#"+c))
	case short != nil:
		r.refuse("colour", "is not a colour of six digits", fmt.Sprintf("write %q", "#"+short[1]+short[1]+short[2]+short[2]+short[3]+short[3]))
	default:
		r.refuse("colour", "is not a colour", `write one such as "#1a5fb4": red, green and blue from 00 to ff`)
	}
	r.event.SignUp = r.file.SignUp
}

// maxLength of an event: enough for a course of two months, and short enough
// to find a mistyped month or year.
const maxLength = 60 * 24 * time.Hour

func (r *reading) times() {
	e, f := &r.event, r.file
	loc, zoneErr := convened.LoadZone(f.Zone)
	if r.require("zone", f.Zone, "an IANA name such as Europe/Brussels") && zoneErr != nil {
		rule, mend := zoneErr.Error(), "write an IANA name such as Europe/Brussels"
		var wrong *convened.ZoneError
		if errors.As(zoneErr, &wrong) {
			rule, mend = wrong.Why, "write "+strings.Join(wrong.Suggest, " or ")
		}
		if better := zoneInOtherCase(f.Zone); better != "" {
			mend = "write " + better
		}
		r.refuse("zone", rule, mend)
	}
	e.Zone = f.Zone
	e.StartsLocal = r.wall("starts", f.Starts, loc, convened.Wall{})
	e.EndsLocal = r.wall("ends", f.Ends, loc, e.StartsLocal)
	if e.StartsLocal.IsZero() || e.EndsLocal.IsZero() {
		return
	}
	length := e.EndsLocal.Sub(e.StartsLocal)
	if zoneErr == nil && e.Derive() == nil {
		length = e.Ends.Sub(e.Starts)
	}
	switch {
	case length <= 0:
		r.refuse("ends", "is not after starts, which is "+f.Starts, "write a later time, or mend starts")
	case length > maxLength:
		r.refuse("ends", fmt.Sprintf("is %d days after starts, which is %s", int(length.Hours()/24), f.Starts), fmt.Sprintf("write an end within %d days, or make each meeting an event of its own", int(maxLength.Hours()/24)))
	}
}

// zoneInOtherCase finds the zone that was meant by europe/brussels; "" if none.
func zoneInOtherCase(name string) string {
	upper := true
	fixed := strings.Map(func(c rune) rune {
		defer func() { upper = c == '/' || c == '_' || c == '-' }()
		if upper {
			return unicode.ToUpper(c)
		}
		return unicode.ToLower(c)
	}, strings.ReplaceAll(name, " ", "_"))
	if _, err := convened.LoadZone(fixed); err == nil && fixed != name {
		return fixed
	}
	return ""
}

var (
	dateAlone  = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	clockAlone = regexp.MustCompile(`^\d{1,2}:\d{2}$`)
	withOffset = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})? ?(?:[+-]\d{2}:?\d{2}|[A-Za-z/_]+)$`)
)

// otherWalls are ways to write a date and time that leave no doubt about the
// order of day and month.
var otherWalls = []string{"2006-1-2 15:04", "2006-1-2 15h04", "2006-01-02 15.04", "2006-01-02 1504", "2006-01-02, 15:04", "2006/1/2 15:04", "2.1.2006 15:04", "2.1.2006, 15:04",
	"2006-01-02 3:04pm", "2006-01-02 3pm", "2006-01-02 3:04 pm", "2006-01-02 3 pm", "2006-01-02 3:04 PM", "2006-01-02 15h", "2006-01-02 15",
	"2 January 2006 15:04", "2 Jan 2006 15:04", "January 2, 2006 15:04", "January 2, 2006 3:04 PM"}

// inZone returns what the clock in loc shows at an instant that is written with
// an offset.
func inZone(s string, loc *time.Location) (convened.Wall, bool) {
	for _, layout := range []string{"2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04-0700", "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(layout, strings.Replace(strings.Replace(s, " ", "T", 1), " ", "", 1)); err == nil && loc != nil {
			return convened.WallOf(t.In(loc)), true
		}
	}
	return convened.Wall{}, false
}

// noSuchDay reports whether a text begins with a date such as 30 February.
func noSuchDay(s string) bool {
	if len(s) < 10 || !dateAlone.MatchString(s[:10]) {
		return false
	}
	_, err := time.Parse("2006-01-02", s[:10])
	return err != nil
}

// wall reads a local time. loc is nil for a zone that is none; after is where
// an end without a date probably is.
func (r *reading) wall(path, s string, loc *time.Location, after convened.Wall) convened.Wall {
	if !r.require(path, s, "2026-11-25 16:00, as the clock in the zone shows it") {
		return convened.Wall{}
	}
	w, err := convened.ParseWall(s)
	if err == nil && w.Year >= 1970 && w.Year < 2200 {
		return w
	}
	rule, mend := "is not a date and time", "write one such as 2026-11-25 16:00"
	switch {
	case err == nil:
		rule, mend = "is in a year that can't be meant", "write one from 1970 to 2199"
	case withOffset.MatchString(s):
		rule, mend = "has a zone or an offset of its own, and zone says that for the event", "write what the clock shows in the event's zone, without it"
		if w, ok := inZone(s, loc); ok {
			mend = "write " + w.String()
		}
	case noSuchDay(s):
		rule, mend = "is on a day that does not exist", "write another, such as 2026-11-25 16:00"
	case dateAlone.MatchString(s):
		rule, mend = "is a date without a time of day", "write "+s+" 16:00, say"
	case clockAlone.MatchString(s) && !after.IsZero():
		rule, mend = "is a time without a date", "write "+after.String()[:len("2026-11-25")]+" "+s
	default:
		for _, layout := range otherWalls {
			if t, err := time.Parse(layout, s); err == nil {
				mend = "write " + convened.WallOf(t).String()
				break
			}
		}
	}
	r.refuse(path, rule, mend)
	return convened.Wall{}
}
