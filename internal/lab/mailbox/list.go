package mailbox

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"convened/internal/lab"
)

// perPage is how many letters a page of the list shows.
const perPage = 50

// A listPage is what list.html shows.
type listPage struct {
	Version string // of all letters: see version
	Total   int    // letters there are
	Found   int    // of them, those that the filters leave
	From    int    // the first and the last on this page, from 1
	Until   int
	Days    []day
	Kinds   []kindTab
	Query   string
	Kind    string
	Live    bool   // the page keeps itself up to date
	Toggle  tab    // to have it so, or otherwise
	Newer   string // link to the page of newer letters; "" is none
	Older   string
}

// A day is a heading of the list and the letters below it.
type day struct {
	Date time.Time
	Rows []row
}

// A row is a letter in the list.
type row struct {
	*lab.Message
	Envelope envelope
}

// A kindTab leads to the letters of one kind.
type kindTab struct {
	Name    string
	Kind    string
	Count   int
	Link    string
	Current bool
}

// other is how letters without a kind of ours are called.
const other = "other"

func kindOf(e envelope) string { return cmp.Or(e.Kind, other) }

func (b *mailbox) list(w http.ResponseWriter, r *http.Request) {
	all := b.messages()
	query := r.URL.Query()
	p := listPage{
		Version: versionOf(all), Total: len(all), Query: strings.TrimSpace(query.Get("q")), Kind: query.Get("kind"),
		Live: query.Get("live") != "off",
	}
	counts := map[string]int{}
	var rows []row
	words := strings.Fields(strings.ToLower(p.Query))
	for i := len(all) - 1; i >= 0; i-- {
		e := b.envelope.of(&all[i])
		if !matches(words, &all[i], e) {
			continue
		}
		kind := kindOf(e)
		counts[kind]++
		if p.Kind == "" || p.Kind == kind {
			rows = append(rows, row{&all[i], e})
		}
	}
	p.Found = len(rows)
	page, _ := strconv.Atoi(query.Get("page")) // no number is the first page
	page = min(max(page, 1), max(1, (len(rows)+perPage-1)/perPage))
	first, last := (page-1)*perPage, min(page*perPage, len(rows))
	p.From, p.Until = first+1, last
	p.Days = byDay(rows[first:last])

	link := func(key, value string) string {
		values := url.Values{}
		for _, k := range []string{"q", "kind", "live"} { // the page is of this list alone
			if v := query.Get(k); v != "" {
				values.Set(k, v)
			}
		}
		values.Set(key, value)
		if value == "" {
			values.Del(key)
		}
		if len(values) == 0 {
			return "./"
		}
		return "?" + values.Encode()
	}
	switch {
	case page > 1:
		p.Live = false // what came would push the page away under the reader
		p.Toggle = tab{Name: "To the newest", Link: link("page", "")}
	case p.Live:
		p.Toggle = tab{Name: "Pause", Link: link("live", "off")}
	default:
		p.Toggle = tab{Name: "Show new letters as they come", Link: link("live", "")}
	}
	switch {
	case page == 2:
		p.Newer = link("page", "")
	case page > 2:
		p.Newer = link("page", strconv.Itoa(page-1))
	}
	if last < len(rows) {
		p.Older = link("page", strconv.Itoa(page+1))
	}
	p.Kinds = kindTabs(counts, p.Kind, link)
	b.render(w, "list.html", p)
}

// matches reports whether each word is in what the list shows of a letter.
func matches(words []string, m *lab.Message, e envelope) bool {
	if len(words) == 0 {
		return true
	}
	all := append([]string{e.Subject, e.Kind}, m.To...)
	for _, p := range slices.Concat(e.To, e.From) {
		all = append(all, p.Name, p.Address)
	}
	text := strings.ToLower(strings.Join(all, "\n"))
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// byDay divides rows where the date changes.
func byDay(rows []row) []day {
	var days []day
	var last string
	for _, r := range rows {
		if date := r.At.Format(time.DateOnly); len(days) == 0 || date != last {
			days = append(days, day{Date: r.At})
			last = date
		}
		d := &days[len(days)-1]
		d.Rows = append(d.Rows, r)
	}
	return days
}

// kindTabs are those of the kinds that there are, in the order of an event's life.
func kindTabs(counts map[string]int, current string, link func(key, value string) string) []kindTab {
	total := 0
	for _, n := range counts {
		total += n
	}
	tabs := []kindTab{{Name: "All", Count: total, Link: link("kind", ""), Current: current == ""}}
	for _, k := range append(kinds(), other) {
		if kind := string(k); counts[kind] > 0 || kind == current {
			tabs = append(tabs, kindTab{Name: strings.ToUpper(kind[:1]) + kind[1:], Kind: kind, Count: counts[kind],
				Link: link("kind", kind), Current: kind == current})
		}
	}
	return tabs
}

// versionOf changes whenever a letter came, or letters were forgotten.
func versionOf(all []lab.Message) string {
	if len(all) == 0 {
		return "0"
	}
	return fmt.Sprintf("%d-%s", len(all), all[len(all)-1].ID)
}

// version is what an open list asks for to see whether anything came.
func (b *mailbox) version(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, versionOf(b.messages()))
}
