package desk

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"
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
	e.JoinURL = r.url("join_url", f.JoinURL)
	e.PageURL = r.url("page_url", f.PageURL)
	e.Logo = r.url("logo", f.Logo)
}

// url reads an absolute web address. It must be https: spam filters count other
// links against a letter, and mail programs show no other pictures.
func (r *reading) url(path, s string) string {
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
	case u.Scheme != "https":
		r.refuse(path, "is not https, and letters hold no other links or pictures", "write https://"+strings.TrimPrefix(s, u.Scheme+"://"))
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
