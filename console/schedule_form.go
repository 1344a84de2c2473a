package console

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"convened"
	"convened/desk"
)

// The ways in which a form says when a reminder goes out.
const (
	hoursBefore = "hours"     // elapsed time before the start
	daysBefore  = "days"      // calendar days before it, at a time of day
	byCron      = "cron"      // a cron line in a window before it
	hoursAfter  = "after"     // elapsed time after the end
	daysAfter   = "afterdays" // calendar days after it, at a time of day
)

var ways = []string{hoursBefore, daysBefore, byCron, hoursAfter, daysAfter}

// A ruleRow is a reminder in the editor of the schedule, as it is typed. The fields
// of every way are kept, so that who changes their mind finds again what they typed.
type ruleRow struct {
	Number      int    // from 1
	Way         string // one of ways
	Count, Unit string // of hoursBefore and hoursAfter; the unit is h, m or s
	Days, Clock string // of daysBefore and daysAfter
	Cron        string
	From, Until windowEdge
	Most        string // at_most
	Name        string
	Late        string
	Template    string
	Notes       []noteField

	Open   bool              // the part that few need is unfolded
	Faults map[string]string // what is wrong with each field, by its name; "" is the row as a whole
	Sight  *ruleSight        // what it would do; nil where it can't be read
	Focus  string            // which of its buttons has the focus: up, down or first; "" none
	Page   *schedulePage     // that it stands on
}

// A windowEdge is how far from the start a window opens or closes.
type windowEdge struct{ Count, Unit string } // the unit is days, h or m

// A noteField is a text in one language.
type noteField struct {
	Language, Name string // its code, and what it calls itself
	Text           string
	Fault          string
}

// The default of a row that nobody has typed into.
func emptyRow() *ruleRow {
	return &ruleRow{Way: hoursBefore, Unit: "h", From: windowEdge{"7", "days"}, Until: windowEdge{"", "days"}, Late: string(convened.Fold), Notes: noteFields(nil)}
}

// noteFields are fields for each language of the letters, and for whatever other
// language there is a text in.
func noteFields(t convened.Text) []noteField {
	var list []noteField
	for _, l := range convened.Languages() {
		list = append(list, noteField{Language: l, Name: languageNames[l], Text: t[l]})
	}
	for _, l := range sortedOthers(t) {
		list = append(list, noteField{Language: l, Name: l, Text: t[l]})
	}
	return list
}

func sortedOthers(t convened.Text) []string {
	var others []string
	for l := range t {
		if !slices.Contains(convened.Languages(), l) {
			others = append(others, l)
		}
	}
	slices.Sort(others)
	return others
}

// textOf is what stands in note fields.
func textOf(list []noteField) convened.Text {
	t := convened.Text{}
	for _, f := range list {
		if strings.TrimSpace(f.Text) != "" {
			t[f.Language] = f.Text
		}
	}
	return t
}

var (
	elapsedValue = regexp.MustCompile(`^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$`)
	daysValue    = regexp.MustCompile(`^(\d+) days?(?: at (\d\d:\d\d))?$`)
)

// rowOf is the row of a reminder as it is.
func rowOf(d *desk.RuleDraft) *ruleRow {
	row := emptyRow()
	row.Cron, row.Most, row.Name, row.Late, row.Template, row.Notes = d.Cron, d.AtMost, d.Name, d.Late, d.Template, noteFields(d.Note)
	value := d.Before
	switch {
	case d.Cron != "":
		row.Way = byCron
		row.From.Count, row.From.Unit = edgeOf(d.From)
		row.Until.Count, row.Until.Unit = edgeOf(d.Until)
		return row
	case d.After != "":
		row.Way, value = hoursAfter, d.After
	}
	if m := daysValue.FindStringSubmatch(value); m != nil {
		row.Days, row.Clock = m[1], m[2]
		row.Way = map[string]string{hoursBefore: daysBefore, hoursAfter: daysAfter}[row.Way]
		return row
	}
	row.Count, row.Unit = elapsedOf(value)
	return row
}

// elapsedOf says an elapsed time in the largest unit that it is a whole number of.
func elapsedOf(value string) (count, unit string) {
	m := elapsedValue.FindStringSubmatch(value)
	if m == nil {
		return "", "h"
	}
	n := [3]int{}
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1]) // nothing is 0
	}
	switch seconds := n[0]*3600 + n[1]*60 + n[2]; {
	case seconds%3600 == 0:
		return strconv.Itoa(seconds / 3600), "h"
	case seconds%60 == 0:
		return strconv.Itoa(seconds / 60), "m"
	default:
		return strconv.Itoa(seconds), "s"
	}
}

func edgeOf(value string) (count, unit string) {
	if m := daysValue.FindStringSubmatch(value); m != nil {
		return m[1], "days"
	}
	if value == "" {
		return "", "days"
	}
	return elapsedOf(value)
}

// mostRows bounds how many rows of a form are read: more than an event may have.
const mostRows = 60

// readRows reads the rows of a form. What is no form of ours has none.
func readRows(form url.Values) []*ruleRow {
	n, _ := strconv.Atoi(form.Get("rules"))
	var rows []*ruleRow
	for i := 1; i <= min(n, mostRows); i++ {
		get := func(field string) string { return strings.TrimSpace(form.Get(fmt.Sprintf("%s.%d", field, i))) }
		row := &ruleRow{Way: get("way"), Count: get("count"), Unit: get("unit"), Days: get("days"), Clock: get("clock"), Cron: get("cron"),
			From: windowEdge{get("from"), get("fromunit")}, Until: windowEdge{get("until"), get("untilunit")}, Most: get("most"),
			Name: get("name"), Late: get("late"), Template: get("template"), Open: get("open") != ""}
		if !slices.Contains(ways, row.Way) {
			row.Way = hoursBefore
		}
		notes := convened.Text{}
		prefix := fmt.Sprintf("note.%d.", i)
		for name, values := range form {
			if language, ok := strings.CutPrefix(name, prefix); ok && len(values) > 0 && (values[0] != "" || slices.Contains(convened.Languages(), language)) {
				notes[language] = values[0]
			}
		}
		row.Notes = noteFields(notes)
		rows = append(rows, row)
	}
	numberRows(rows)
	return rows
}

func numberRows(rows []*ruleRow) {
	for i, row := range rows {
		row.Number = i + 1
	}
}

// A pair is a field of a form and its value, or a choice: its value and what it is
// called.
type pair struct{ Key, Value string }

// hidden are the rows as fields that nobody sees: a page that asks carries along
// what was typed.
func hidden(rows []*ruleRow) []pair {
	list := []pair{{"rules", strconv.Itoa(len(rows))}}
	for _, r := range rows {
		for _, f := range []pair{{"way", r.Way}, {"count", r.Count}, {"unit", r.Unit}, {"days", r.Days}, {"clock", r.Clock}, {"cron", r.Cron},
			{"from", r.From.Count}, {"fromunit", r.From.Unit}, {"until", r.Until.Count}, {"untilunit", r.Until.Unit}, {"most", r.Most},
			{"name", r.Name}, {"late", r.Late}, {"template", r.Template}} {
			if f.Value != "" {
				list = append(list, pair{fmt.Sprintf("%s.%d", f.Key, r.Number), f.Value})
			}
		}
		for _, n := range r.Notes {
			if n.Text != "" {
				list = append(list, pair{fmt.Sprintf("note.%d.%s", r.Number, n.Language), n.Text})
			}
		}
	}
	return list
}

// wholeNumber is what the fields that count may hold.
var wholeNumber = regexp.MustCompile(`^[0-9]{1,6}$`)

// draft is the row by the keys of the event file. A number that is none, or that is
// missing, is noted as a fault, and what the desk then says of the row is beside the
// point.
func (r *ruleRow) draft(w *scheduleWords) desk.RuleDraft {
	d := desk.RuleDraft{Name: r.Name, Late: r.Late, Template: r.Template, Note: textOf(r.Notes)}
	number := func(field, text string) {
		if !wholeNumber.MatchString(text) {
			r.fault(field, w.WholeNumber)
		}
	}
	switch r.Way {
	case hoursBefore, hoursAfter:
		number("count", r.Count)
		value := r.Count + unitOr(r.Unit, "h", "m", "s")
		if d.Before = value; r.Way == hoursAfter {
			d.Before, d.After = "", value
		}
	case daysBefore, daysAfter:
		number("days", r.Days)
		value := r.Days + " days"
		if r.Clock != "" {
			value += " at " + r.Clock
		}
		if d.Before = value; r.Way == daysAfter {
			d.Before, d.After = "", value
		}
	case byCron:
		if r.Cron == "" {
			r.fault("cron", w.CronMissing)
		}
		number("from", r.From.Count)
		d.Cron, d.From, d.AtMost = r.Cron, r.From.value(), r.Most
		if r.Until.Count != "" {
			number("until", r.Until.Count)
			d.Until = r.Until.value()
		}
	}
	return d
}

func (e windowEdge) value() string {
	unit := unitOr(e.Unit, "days", "h", "m", "s")
	if unit == "days" {
		unit = " days"
	}
	return e.Count + unit
}

// unitOr is the unit if it is one of those, else the first.
func unitOr(unit string, units ...string) string {
	if slices.Contains(units, unit) {
		return unit
	}
	return units[0]
}

func (r *ruleRow) fault(field, what string) {
	if r.Faults == nil {
		r.Faults = map[string]string{}
	}
	if r.Faults[field] == "" {
		r.Faults[field] = what
	}
}

var reminderKey = regexp.MustCompile(`^reminders\[(\d+)\](?:\.(.+))?$`)

// place puts what the desk says is wrong beside the fields. It returns what belongs
// to no row.
func place(rows []*ruleRow, problems []desk.Problem, say func(desk.Problem) string) []string {
	var others []string
	for _, p := range problems {
		m := reminderKey.FindStringSubmatch(p.Key)
		if m == nil {
			others = append(others, say(p))
			continue
		}
		n, _ := strconv.Atoi(m[1]) // digits
		if n < 1 || n > len(rows) {
			others = append(others, say(p))
			continue
		}
		rows[n-1].takeProblem(m[2], p, say(p))
	}
	return others
}

// takeProblem puts a problem beside the field that the key became.
func (r *ruleRow) takeProblem(key string, p desk.Problem, text string) {
	byWay := map[string]string{hoursBefore: "count", hoursAfter: "count", daysBefore: "days", daysAfter: "days", byCron: "cron"}
	if language, ok := strings.CutPrefix(key, "note."); ok {
		for i := range r.Notes {
			if r.Notes[i].Language == language {
				r.Notes[i].Fault, r.Open = text, true
				return
			}
		}
	}
	switch key {
	case "before", "after":
		field := byWay[r.Way]
		if field == "days" && strings.Contains(p.Rule, "time of day") {
			field = "clock"
		}
		if r.Faults[field] == "" && len(r.Faults) > 0 {
			return // of what stands in a number that is none
		}
		r.fault(field, text)
	case "cron", "from", "until":
		r.fault(key, text)
	case "at_most":
		r.fault("most", text)
	case "name", "late", "template":
		r.Open = true
		r.fault(key, text)
	default:
		if len(r.Faults) == 0 {
			r.fault("", text)
		}
	}
}

// A field is one line of a form.
type field struct {
	ID, Name, Label, Value, Hint, Fault string
	Mode                                string // of the keyboard of a phone
	Sight                               string // the id of what says what the rule does
}

// A choice is a list of a form of which one is chosen.
type choice struct {
	ID, Name, Label string
	Options         []option
	Focus           bool
}

// ID is the row's own identifier for one of its parts, and In the name of the field
// that holds it.
func (r *ruleRow) ID(part string) string { return fmt.Sprintf("%s-%d", part, r.Number) }

// In is the name of a field of this row.
func (r *ruleRow) In(part string) string { return fmt.Sprintf("%s.%d", part, r.Number) }

// Of says a word about this row to who does not see where it stands.
func (r *ruleRow) Of() string { return say(r.Page.W.OfRule, r.Page.Number(r.Number), "") }

// Heading is what the row is called.
func (r *ruleRow) Heading() string { return say(r.Page.W.Rule, r.Page.Number(r.Number), "") }

// First and Last report whether it can't be moved further.
func (r *ruleRow) First() bool { return r.Number == 1 }

// Last is the other end of First.
func (r *ruleRow) Last() bool { return r.Number == len(r.Page.Rows) }

// Field is one of the row's lines.
func (r *ruleRow) Field(name string) field {
	w := r.Page.W
	f := field{ID: r.ID(name), Name: r.In(name), Fault: r.Faults[name], Mode: "text", Sight: r.ID("sight")}
	switch name {
	case "count":
		f.Label, f.Value, f.Mode = w.Count, r.Count, "numeric"
	case "days":
		f.Label, f.Value, f.Mode = w.Days, r.Days, "numeric"
	case "clock":
		f.Label, f.Value, f.Hint = w.Clock, r.Clock, w.ClockHint
	case "cron":
		f.Label, f.Value, f.Hint = w.Cron, r.Cron, w.CronHint
	case "from":
		f.Label, f.Value, f.Mode = w.From, r.From.Count, "numeric"
	case "until":
		f.Label, f.Value, f.Hint, f.Mode = w.Until, r.Until.Count, w.UntilHint, "numeric"
	case "most":
		f.Label, f.Value, f.Hint, f.Mode = w.Most, r.Most, w.MostHint, "numeric"
	case "name":
		f.Label, f.Value, f.Hint = w.Name, r.Name, w.NameHint
	case "template":
		f.Label, f.Value, f.Hint = w.Template, r.Template, w.TemplateHint
	}
	return f
}

// Choice is one of the row's lists.
func (r *ruleRow) Choice(name string) choice {
	w := r.Page.W
	c := choice{ID: r.ID(name), Name: r.In(name), Label: w.Unit}
	var from []pair
	chosen := ""
	switch name {
	case "way":
		c.Label, from, chosen, c.Focus = w.Way, w.Ways, r.Way, r.Focus == "first"
	case "late":
		c.Label, from, chosen = w.Late, w.Lates, r.Late
	case "unit":
		from, chosen = w.Units, r.Unit
		if r.Unit != "s" { // few need it
			from = from[:2]
		}
	case "fromunit":
		from, chosen = w.EdgeUnits, r.From.Unit
	case "untilunit":
		from, chosen = w.EdgeUnits, r.Until.Unit
	}
	for _, p := range from {
		c.Options = append(c.Options, option{p.Key, p.Value, p.Key == chosen})
	}
	return c
}

// A liveFault is what is wrong with a field, to be put beside it while somebody types.
type liveFault struct{ ID, Fault string }

// LiveFaults are those of the fields that are looked at while somebody types, and of
// the others that nothing is wrong with them.
func (r *ruleRow) LiveFaults() []liveFault {
	var list []liveFault
	for _, name := range []string{"count", "days", "clock", "cron", "from", "until", "most", "name", "template", ""} {
		list = append(list, liveFault{r.ID(name), r.Faults[name]})
	}
	return list
}

// rearrange does what a button of the editor says: add, or up, down or remove and a
// number. It reports false for what is no such button.
func rearrange(rows []*ruleRow, do string) ([]*ruleRow, bool) {
	if do == "add" {
		row := emptyRow()
		row.Focus = "first"
		rows = append(rows, row)
		numberRows(rows)
		return rows, true
	}
	what, number, _ := strings.Cut(do, ".")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(rows) {
		return rows, false
	}
	i := n - 1
	switch {
	case what == "remove":
		rows = slices.Delete(rows, i, i+1)
		if len(rows) > 0 {
			rows[min(i, len(rows)-1)].Focus = "first"
		}
	case what == "up" && i > 0:
		rows[i-1], rows[i] = rows[i], rows[i-1]
		rows[i-1].Focus = "up"
	case what == "down" && i < len(rows)-1:
		rows[i+1], rows[i] = rows[i], rows[i+1]
		rows[i+1].Focus = "down"
	default:
		return rows, false
	}
	numberRows(rows)
	return rows, true
}
