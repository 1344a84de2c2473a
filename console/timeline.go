package console

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"convened"
	"convened/scheduler"
	"convened/store"
	"convened/templates"
)

// A timeline is every mail of an event, past and to come, drawn and listed. The
// drawing says nothing that the list does not say.
type timeline struct {
	Rows  []mailRow
	Lanes []lane
	Known bool // how many people get those to come

	Width, Height       int
	Left, Right         float64 // of the lanes
	Top, Bottom         float64 // of the lanes
	NowAt               float64
	EventAt, EventWidth float64
	Ticks               []tick
	Days                []bar // how many confirmations left on each day
}

// A mailRow is the mails of one occasion.
type mailRow struct {
	Number                  int
	Name                    string
	Kind                    convened.Kind
	Past                    bool
	At, Last                time.Time
	People                  int
	Languages               string
	Refused, Held, Underway int
	Local                   []localTime // in each lane

	X, Y float64 // of its mark
}

// A localTime is when it is on one clock.
type localTime struct {
	Text, Until string // when the first leaves, and the last
	Night       bool
	Y           float64
}

// A lane is one clock on the wall, of the event or of registrants.
type lane struct {
	Name   string
	People int
	Nights []bar
	Y      float64

	zone *time.Location
}

type bar struct{ X, Width, Y, Height float64 }

type tick struct {
	X    float64
	Text string // "" where there is no room for it
}

// How the drawing is made, in its own units.
const (
	drawWidth   = 960
	drawLeft    = 236
	drawRight   = 940
	markHeight  = 26 // of one level of marks
	laneHeight  = 28
	dayHeight   = 24 // of the highest bar
	markWidth   = 24
	tickRoom    = 62
	mostLanes   = 5
	mostDays    = 370 // that are drawn one by one
	nightFrom   = 22  // o'clock
	nightUntil  = 7
	leastWindow = 24 * time.Hour
)

// draw makes the timeline of what left and of what is to come.
func (p *overviewPage) draw(e *errand, future []scheduler.Mailing, known bool) *timeline {
	t := &timeline{Known: known, Width: drawWidth, Left: drawLeft, Right: drawRight}
	t.Lanes = p.lanes(e.event)
	t.Rows = p.rows(e, future)
	from, to := e.event.Starts.Add(-leastWindow), e.event.Ends
	for _, r := range t.Rows {
		from, to = earliest(from, r.At), latest(to, r.Last)
	}
	scale := scaleOf(e.event.Starts, earliest(from, e.now), latest(to, earliest(e.now, to.Add(leastWindow))))
	t.placeMarks(scale)
	t.NowAt = scale(e.now)
	t.EventAt = scale(e.event.Starts)
	t.EventWidth = max(3, scale(e.event.Ends)-t.EventAt)
	t.placeDays(scale, p.Figures)
	t.placeLanes(scale, from, to)
	t.placeTicks(scale, p.Speech, e.event.TimeLocation(), from, to)
	for i := range t.Rows {
		r := &t.Rows[i]
		for _, l := range t.Lanes {
			on := p.On(l.zone)
			hour := r.At.In(l.zone).Hour()
			say := func(t time.Time) string { return on.Weekday(t) + " " + on.ShortDay(t) + ", " + on.Clock(t) }
			r.Local = append(r.Local, localTime{say(r.At), say(r.Last), hour >= nightFrom || hour < nightUntil, l.Y + laneHeight/2})
		}
	}
	return t
}

// rows lists the mails in the order in which they leave.
func (p *overviewPage) rows(e *errand, future []scheduler.Mailing) []mailRow {
	rules := rulesInWords(e.event, p.Language)
	var rows []mailRow
	var ofOne = map[convened.Kind]int{} // confirmations and withdrawals, each in one row
	there := map[string]bool{}
	for i := range p.Figures.Mails {
		m := &p.Figures.Mails[i]
		at, last := m.First, m.Last
		if at.IsZero() {
			at, last = m.Instant, m.Instant
		}
		row := mailRow{Name: p.nameOf(m.Kind, m.Occasion, rules), Kind: m.Kind, Past: true, At: at, Last: last, People: m.Count(convened.Sent), Refused: m.Count(convened.Refused),
			Held: m.Count(convened.Held), Underway: m.Count(convened.Planned, convened.Claimed, convened.Unknown)}
		if row.People+row.Refused+row.Held+row.Underway == 0 {
			continue // all of them were cancelled: nothing has left, and nothing will
		}
		there[m.Occasion] = true
		if m.Occasion != "" {
			rows = append(rows, row)
			continue
		}
		j, seen := ofOne[m.Kind]
		if !seen {
			ofOne[m.Kind] = len(rows)
			rows = append(rows, row)
			continue
		}
		sum := &rows[j]
		sum.At, sum.Last = earliest(sum.At, row.At), latest(sum.Last, row.Last)
		sum.People, sum.Refused, sum.Held, sum.Underway = sum.People+row.People, sum.Refused+row.Refused, sum.Held+row.Held, sum.Underway+row.Underway
	}
	for i := range future {
		m := &future[i]
		occasion := ""
		if m.Occasion.Key != "" {
			occasion = m.Occasion.String()
		}
		if m.Waits || !m.At.After(e.now) && (occasion == "" || there[occasion]) || m.At.Before(e.now) {
			continue // it stands among those of the rows
		}
		rows = append(rows, mailRow{Name: p.nameOf(m.Kind, occasion, rules), Kind: m.Kind, At: m.At, Last: m.Last, People: m.People, Languages: byCode(m.Languages)})
	}
	slices.SortStableFunc(rows, func(a, b mailRow) int { return a.At.Compare(b.At) })
	for i := range rows {
		rows[i].Number = i + 1
	}
	return rows
}

// lanes are the clock of the event, and those of its registrants that read another
// time at its start.
func (p *overviewPage) lanes(ev *convened.Event) []lane {
	list := []lane{{zone: ev.TimeLocation()}}
	offset := func(l *time.Location) int { _, s := ev.Starts.In(l).Zone(); return s }
	for _, z := range p.Figures.Zones {
		zone, err := convened.LoadZone(z.Zone)
		if err != nil {
			zone = ev.TimeLocation() // letters say so too
		}
		i := slices.IndexFunc(list, func(l lane) bool { return offset(l.zone) == offset(zone) })
		switch {
		case i >= 0:
			list[i].People += z.People
		case len(list) < mostLanes:
			list = append(list, lane{zone: zone, People: z.People})
		}
	}
	for i := range list {
		list[i].Name = templates.ZoneAt(p.Language, ev.Starts, list[i].zone)
	}
	return list
}

// scaleOf returns where an instant is drawn. The nearer to the start, the more room
// there is for a day: that is where the mails are.
func scaleOf(start, from, to time.Time) func(time.Time) float64 {
	root := func(t time.Time) float64 {
		h := t.Sub(start).Hours()
		return math.Copysign(math.Sqrt(math.Abs(h)), h)
	}
	least, most := root(from), root(to)
	return func(t time.Time) float64 {
		x := drawLeft + 14 + (root(t)-least)/(most-least)*(drawRight-drawLeft-28)
		return min(max(x, drawLeft), drawRight)
	}
}

// placeMarks puts each mark at its time, above those that it would hide.
func (t *timeline) placeMarks(scale func(time.Time) float64) {
	var ends []float64 // of each level, where there is room again
	levels := make([]int, len(t.Rows))
	for i := range t.Rows {
		x := scale(t.Rows[i].At)
		level := slices.IndexFunc(ends, func(end float64) bool { return end <= x-markWidth/2 })
		if level < 0 {
			level = len(ends)
			ends = append(ends, 0)
		}
		ends[level] = x + markWidth/2
		t.Rows[i].X, levels[i] = x, level
	}
	t.Top = float64(max(1, len(ends)))*markHeight + dayHeight + 12
	for i := range t.Rows {
		t.Rows[i].Y = t.Top - dayHeight - 8 - markHeight/2 - float64(levels[i])*markHeight
	}
}

// placeDays draws how many confirmations left on each day.
func (t *timeline) placeDays(scale func(time.Time) float64, f *store.Figures) {
	most := 0
	for i := range f.Mails {
		if m := &f.Mails[i]; m.Kind == convened.Confirmation {
			most = max(most, m.Count(convened.Sent))
		}
	}
	for i := range f.Mails {
		m := &f.Mails[i]
		n := m.Count(convened.Sent)
		if m.Kind != convened.Confirmation || n == 0 {
			continue
		}
		height := max(2, dayHeight*float64(n)/float64(most))
		x := scale(m.First)
		t.Days = append(t.Days, bar{x, max(3, scale(m.Last)-x), t.Top - height, height})
	}
}

// placeLanes draws the nights on each clock.
func (t *timeline) placeLanes(scale func(time.Time) float64, from, to time.Time) {
	for i := range t.Lanes {
		l := &t.Lanes[i]
		l.Y = t.Top + float64(i)*laneHeight
		y, m, d := from.In(l.zone).Date()
		for day := -1; day < mostDays; day++ {
			dusk := time.Date(y, m, d+day, nightFrom, 0, 0, 0, l.zone)
			if dusk.After(to) {
				break
			}
			dawn := time.Date(y, m, d+day+1, nightUntil, 0, 0, 0, l.zone)
			x, end := scale(latest(dusk, from)), scale(earliest(dawn, to))
			if end-x >= 2 {
				l.Nights = append(l.Nights, bar{x, end - x, l.Y, laneHeight})
			}
		}
	}
	t.Bottom = t.Top + float64(len(t.Lanes))*laneHeight
	t.Height = int(t.Bottom) + 26
}

// placeTicks marks the days on the clock of the event.
func (t *timeline) placeTicks(scale func(time.Time) float64, speech templates.Speech, zone *time.Location, from, to time.Time) {
	y, m, d := from.In(zone).Date()
	free := drawLeft + 20.0
	for day := 1; day < mostDays; day++ {
		at := time.Date(y, m, d+day, 0, 0, 0, 0, zone)
		if at.After(to) {
			break
		}
		k := tick{X: scale(at)}
		if k.X >= free && k.X < drawRight-20 {
			k.Text = speech.ShortDay(at)
			free = k.X + tickRoom
		}
		t.Ticks = append(t.Ticks, k)
	}
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// byCode says how many letters are in which language, in short.
func byCode(n map[string]int) string {
	var parts []string
	for _, l := range convened.Languages() {
		if n[l] > 0 {
			parts = append(parts, fmt.Sprintf("%d\u00a0%s", n[l], l))
		}
	}
	return strings.Join(parts, ", ")
}

// N is a length in the drawing.
func (t *timeline) N(x float64) string { return fmt.Sprintf("%.1f", x) }

// Tall is how high the lanes are together.
func (t *timeline) Tall() float64 { return t.Bottom - t.Top }
