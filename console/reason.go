package console

import (
	"slices"
	"strings"
)

// reason puts why a mail did or did not go out into the language of the page. english
// says that it could not. Of a phrase that ends in an instant, which the page shows
// elsewhere, and on the event's own clock, the instant is left out; what a server said
// stays as it is.
func (w *registrantWords) reason(why, language string) (said string, english bool) {
	if language == "en" || why == "" {
		return why, false
	}
	const server = "the server said: "
	before, words, spoken := strings.Cut(why, server)
	before = strings.TrimSuffix(before, "; ")
	var parts []string
	if before != "" {
		s, known := w.Reasons.phrase(before)
		if !known && !spoken {
			return why, true
		}
		if known {
			parts = append(parts, s)
		}
	}
	if spoken {
		parts = append(parts, w.Reasons[server]+words)
	}
	between := "; "
	if language == "fr" {
		between = "\u00a0; "
	}
	return strings.Join(parts, between), false
}

// phrase finds the longest beginning that it knows. What follows one that ends in a
// space is kept.
func (r reasons) phrase(english string) (said string, known bool) {
	var begin string
	for b := range r {
		if strings.HasPrefix(english, b) && len(b) > len(begin) {
			begin = b
		}
	}
	if begin == "" {
		return "", false
	}
	if strings.HasSuffix(r[begin], " ") || strings.HasSuffix(r[begin], "\u00a0") {
		return r[begin] + strings.TrimSuffix(english[len(begin):], " asked"), true
	}
	return r[begin], true
}

// counted puts reasons with their numbers into the language of the page, the most
// frequent first.
func (w *registrantWords) counted(reasons map[string]int, language string) []reasonCount {
	var list []reasonCount
	for why, n := range reasons {
		said, english := w.reason(why, language)
		list = append(list, reasonCount{said, english, n})
	}
	slices.SortFunc(list, func(a, b reasonCount) int {
		if a.Notices != b.Notices {
			return b.Notices - a.Notices
		}
		return strings.Compare(a.Why, b.Why)
	})
	return list
}
