package desk

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"convened"
	"convened/config"
	"convened/scheduler"
)

// A Problem is one thing that is wrong with what somebody wrote. Its Key is that
// of the event file: reminders[2].cron, counted from 1, or introduction.fr.
type Problem = config.Problem

// ProblemsOf returns what an error of this package says is wrong with what was
// written; nil where that is not its reason.
func ProblemsOf(err error) []Problem {
	var ps *config.Problems
	if errors.As(err, &ps) {
		return ps.List
	}
	return nil
}

// A Draft is the schedule of an event, and what it says to everybody, as somebody
// types them: nothing of it needs to be right.
type Draft struct {
	Introduction convened.Text
	Reminders    []RuleDraft
}

// A RuleDraft is a reminder as somebody types it, by the keys of the event file.
type RuleDraft struct {
	Before, After             string
	Cron, From, Until, AtMost string
	Name, Late, Template      string
	Note                      convened.Text
}

// DraftOf is an event's schedule to begin with. A rule that can't be read, which
// no command has written, is left empty but for its name.
func DraftOf(e *convened.Event) *Draft {
	d := &Draft{Introduction: e.Introduction, Reminders: make([]RuleDraft, len(e.Reminders))}
	for i := range e.Reminders {
		d.Reminders[i] = ruleDraftOf(&e.Reminders[i])
	}
	return d
}

func ruleDraftOf(rem *convened.Reminder) RuleDraft {
	d := RuleDraft{Name: rem.Key, Late: string(rem.Late), Template: rem.Template, Note: rem.Note}
	rule, err := scheduler.RuleOf(rem)
	if err != nil {
		return d
	}
	f := rule.Fields()
	d.Before, d.After, d.Cron, d.From, d.Until = f.Before, f.After, f.Cron, f.From, f.Until
	if f.AtMost > 0 {
		d.AtMost = strconv.Itoa(f.AtMost)
	}
	if d.Name == rule.String() {
		d.Name = ""
	}
	return d
}

// A Drafted is what a draft makes of an event.
type Drafted struct {
	Event    *convened.Event // the event with what of the draft can be read
	Keys     []string        // of each reminder of the draft; "" where it can't be read
	Problems []Problem       // what can't, in the order of the draft
}

// Err is everything that is wrong, as one error; nil if nothing is.
func (d *Drafted) Err() error { return config.Join(d.Problems) }

// On reads the draft as the schedule of an event that is otherwise as it is, by
// the rules of ReadEventFile. The event itself is not changed.
func (d *Draft) On(e *convened.Event) *Drafted {
	f := form{}
	r := reading{doc: f, event: *e, bad: map[string]bool{}, meant: map[string]bool{}, unknown: map[string]bool{}}
	r.event.Reminders, r.event.Introduction = nil, nil
	f.texts("introduction", d.Introduction)
	r.event.Introduction = r.prose("introduction", written(d.Introduction))
	for i := range d.Reminders {
		r.file.Reminders = append(r.file.Reminders, r.fill(f, i, &d.Reminders[i]))
	}
	r.reminders()
	slices.SortStableFunc(r.problems, func(a, b Problem) int { return f[a.Key].order - f[b.Key].order })
	return &Drafted{Event: &r.event, Keys: r.keys, Problems: r.problems}
}

// fill makes an item of an event file of a reminder that is typed, and notes
// what stands where.
func (r *reading) fill(f form, i int, d *RuleDraft) reminderFile {
	at := fmt.Sprintf("reminders[%d]", i+1)
	f.value(at, "")
	for _, kv := range [][2]string{{"before", d.Before}, {"after", d.After}, {"cron", d.Cron}, {"from", d.From}, {"until", d.Until}, {"at_most", d.AtMost},
		{"name", d.Name}, {"late", d.Late}, {"template", d.Template}} {
		f.value(at+"."+kv[0], strings.TrimSpace(kv[1]))
	}
	f.texts(at+".note", d.Note)
	item := reminderFile{Before: d.Before, After: d.After, Cron: d.Cron, From: d.From, Until: d.Until,
		Name: strings.TrimSpace(d.Name), Late: strings.TrimSpace(d.Late), Template: strings.TrimSpace(d.Template), Note: written(d.Note)}
	if text := strings.TrimSpace(d.AtMost); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			r.refuse(at+".at_most", "is not a whole number", "write one such as 3, or leave it out for no limit")
		}
		item.AtMost = n
	}
	return item
}

// written leaves out the languages in which nothing is typed, and reads line ends
// as browsers send them.
func written(t convened.Text) words {
	w := words{}
	for language, s := range t {
		if strings.TrimSpace(s) != "" {
			w[language] = lineEnds.Replace(s)
		}
	}
	return w
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// A form is what somebody typed, by path: a source without lines.
type form map[string]typed

type typed struct {
	order int
	text  string
}

func (f form) value(path, text string) { f[path] = typed{len(f) + 1, text} }

func (f form) texts(path string, t convened.Text) {
	f.value(path, "")
	for _, language := range sortedLanguages(t) {
		f.value(path+"."+language, t[language])
	}
}

func (f form) Has(path string) bool { return f[path].text != "" }

// Mentions reports true also for a path of texts with a dot at its end: in a form
// each language has a field of its own.
func (f form) Mentions(path string) bool {
	_, there := f[strings.TrimSuffix(path, ".")]
	return there
}

func (f form) Problem(path, rule, mend string) config.Problem {
	return config.Problem{Key: path, Value: config.Shown(f[path].text), Rule: rule, Mend: mend}
}

func (f form) place(path string) string {
	number, _, _ := strings.Cut(strings.TrimPrefix(path, "reminders["), "]")
	return "number " + number
}
