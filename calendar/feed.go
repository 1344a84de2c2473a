package calendar

import (
	"bytes"
	"fmt"
	"time"

	ics "github.com/arran4/golang-ical"

	"convened"
)

// Feed returns several events as a calendar that other calendars subscribe to (a
// PUBLISH, RFC 5546 3.2.1), in the order in which they are given. One whose Method is
// Cancel is there with STATUS:CANCELLED, so that a calendar that keeps what it once
// read strikes it out. refresh says how often to look again (RFC 7986 5.7), in whole
// minutes. Times are in UTC, so that the feed needs no time zones of its own: a
// calendar shows them on its reader's clock. Attendees are not said.
//
// The same events are the same bytes each time. An event that can't be written is
// left out, and the error, which wraps convened.ErrRefused, comes beside the others.
func Feed(name string, refresh time.Duration, list []*Invitation) ([]byte, error) {
	cal := ics.NewCalendar()
	cal.SetProductId("-//convened//convened//EN")
	cal.SetMethod(ics.MethodPublish)
	if s := oneLine(name); s != "" {
		cal.SetXWRCalName(s)
	}
	every := duration(refresh.Truncate(time.Minute))
	cal.SetRefreshInterval(every) // VALUE=DURATION is the library's own
	cal.SetXPublishedTTL(every)
	var bad error
	for _, inv := range list {
		one := *inv
		one.Method = Publish
		event, err := one.event()
		if err != nil {
			bad = fmt.Errorf("encode feed: %w: %w", err, convened.ErrRefused)
			continue
		}
		event.SetStartAt(one.Starts)
		event.SetEndAt(one.Ends)
		if inv.Method == Cancel {
			event.SetStatus(ics.ObjectStatusCancelled)
			event.SetTimeTransparency(ics.TransparencyTransparent)
			event.SetProperty("X-MICROSOFT-CDO-BUSYSTATUS", "FREE")
		}
		cal.AddVEvent(event)
	}
	var b bytes.Buffer
	if err := cal.SerializeTo(&b, ics.WithNewLine("\r\n"), ics.WithLineLength(75)); err != nil {
		return nil, fmt.Errorf("encode feed: %w", err)
	}
	return b.Bytes(), bad
}
