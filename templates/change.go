package templates

import (
	"convened"
)

// changes sets what an update tells: each thing that reads otherwise, in the
// reader's language, than it did when this person was last told. Where that is
// not known, or where nothing does (a title in another language), the letter
// gives the facts as they are.
func (r *reading) changes(l *Letter) {
	was := r.claim.Was
	if was == nil {
		return
	}
	e := r.event
	oldZone := was.TimeLocation()
	if !e.Starts.Equal(was.Starts) || !e.Ends.Equal(was.Ends) || e.Zone != was.Zone {
		l.Moved = r.moved(was)
		wasYours, _, _, _ := r.yourWhen(was, oldZone)
		l.Changes = append(l.Changes, Change{
			What: "time",
			Now:  l.When, NowYours: l.YourWhen,
			Was: r.when(was, oldZone), WasYours: wasYours,
		})
	}
	oldPlace, _ := r.typedLine(was.Location)
	if l.Location != oldPlace {
		l.Changes = append(l.Changes, Change{What: "place", Now: l.Location, Was: oldPlace})
	}
	oldTitle, _ := r.typedLine(was.Title)
	if oldTitle == "" {
		oldTitle = line(was.Slug)
	}
	if l.Title != oldTitle {
		l.Changes = append(l.Changes, Change{What: "title", Now: l.Title, Was: oldTitle})
	}
	if old := address(was.JoinURL); address(e.JoinURL) != old {
		l.Changes = append(l.Changes, Change{What: "link", Now: address(e.JoinURL), Was: old})
	}
}

// moved says the new and the old time in short.
func (r *reading) moved(was *convened.Event) *Moved {
	loc, e := r.locale, r.event
	oldZone := was.TimeLocation()
	start, end := e.Starts.In(r.zone), e.Ends.In(r.zone)
	oldStart, oldEnd := was.Starts.In(oldZone), was.Ends.In(oldZone)

	year := start.Year() != oldStart.Year()
	hour, oldHour := loc.clockOf(start), loc.clockOf(oldStart)
	sameStart := convened.WallOf(start) == convened.WallOf(oldStart)
	sameEnd := convened.WallOf(end) == convened.WallOf(oldEnd)
	if sameStart && !sameEnd {
		hour, oldHour = loc.hours(start, end), loc.hours(oldStart, oldEnd)
	}
	// Both dates, or the offsets, leave too little room for the title unless the
	// months are short.
	day := loc.dayOf
	offset, oldOffset := utc(start, r.zone), utc(oldStart, oldZone)
	if !sameDay(start, oldStart) || offset != oldOffset {
		day = loc.shortDayOf
	}
	m := &Moved{New: day(start, year) + ", " + hour, Old: oldHour}
	if !sameDay(start, oldStart) {
		m.Old = day(oldStart, year) + ", " + oldHour
	}
	switch {
	case offset != oldOffset:
		m.New, m.Old = m.New+" "+offset, m.Old+" "+oldOffset
	case e.Zone != was.Zone && sameStart && sameEnd:
		m.New, m.Old = loc.zoneAt(start, r.zone), loc.zoneAt(oldStart, oldZone)
	case !sameClock(e.Starts, e.Ends, r.zone, r.yours):
		m.New += " " + offset // a reader elsewhere must not take it for their own time
	}
	return m
}
