package templates

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"convened"
)

// rehearse renders every sample with every template of a set that may be used
// for it: for all events and for each that has templates of its own. A template
// that fails here would have failed for somebody. What is built in, and as it
// was built, is left out unless all is set: a test does that.
func rehearse(s *Set, all bool) problems {
	var errs problems
	slugs := []string{""}
	for slug := range s.events {
		slugs = append(slugs, slug)
	}
	slices.Sort(slugs)
	for _, sample := range Samples() {
		c := sample.Claim
		for _, slug := range slugs {
			c.Event.Slug = slug
			for k, u := range s.units {
				name, _, _ := strings.Cut(k.dirs, "/")
				if u.ours && !all || k.slug != slug || k.language != c.Registration.Language || name != string(c.Notice.Kind) {
					continue
				}
				l := read(sample.Now, c, sample.Links).letter()
				errs = append(errs, u.rehearse(sample.Name, k, l)...)
			}
		}
	}
	return errs
}

// rehearse renders one letter and looks at it.
func (u *unit) rehearse(sample string, k key, l *Letter) (errs problems) {
	defer func() {
		if r := recover(); r != nil {
			errs = problems{{File: k.dirs, What: fmt.Sprintf("the letter %q panics: %v", sample, r), Mend: "mend the file of that letter"}}
		}
	}()
	content, err := u.render(l)
	var p Problem
	switch {
	case errors.As(err, &p):
		return problems{p}
	case err != nil:
		return problems{{File: k.dirs + "/" + k.language, What: strings.TrimPrefix(err.Error(), convened.ErrRefused.Error()+": "), Mend: "mend the file of that letter"}}
	}
	file := k.dirs + "/" + k.language
	for _, part := range []struct{ name, text string }{{"subject", content.Subject}, {"text part", content.Text}, {"HTML part", content.HTML}} {
		if strings.TrimSpace(part.text) == "" {
			errs = append(errs, Problem{File: file, What: fmt.Sprintf("the %s of the letter %q is empty", part.name, sample), Mend: "write something in its file"})
		}
	}
	if m := forbidden.FindString(content.HTML); m != "" {
		errs = append(errs, Problem{File: file, What: fmt.Sprintf("the HTML part has %s, which mail programs remove or distrust", m), Mend: "take it out of the .html file"})
	}
	return errs
}

// forbidden finds what must not be in a letter. Escaped text cannot match it.
var forbidden = regexp.MustCompile(`(?i)<(form|input|iframe|object|embed|link|base|applet|meta\s+http-equiv|script(\s*>|\s+(src|type="?(text|module))))[^>]{0,40}`)
