package templates

import (
	"strconv"
	"time"

	"convened"
)

// schema is where the words of schema.org live.
const schema = "https://schema.org"

// reservation tells the seat to programs: Gmail's event card and its like.
// Times have the offset of the event's zone.
func (r *reading) reservation(l *Letter) *Reservation {
	c, e := r.claim, r.event
	v := &Reservation{
		Context: schema, Type: "EventReservation",
		ReservationNumber: line(c.Registration.UID),
		ReservationStatus: schema + "/ReservationConfirmed",
		UnderName:         person{Type: "Person", Name: line(c.Registration.Name)},
		ReservationFor: reservedEvent{
			Type: "Event", Name: l.Title,
			StartDate:   e.Starts.In(r.zone).Format(time.RFC3339),
			EventStatus: schema + "/EventScheduled",
			Location:    place{Type: "Place", Name: l.Location, Address: l.Location, URL: l.JoinURL},
			URL:         l.PageURL,
		},
		ModifyURL: l.Links.Manage, CancelURL: l.Links.Cancel,
	}
	if v.ReservationNumber == "" {
		v.ReservationNumber = strconv.FormatInt(int64(c.Registration.ID), 10)
	}
	if v.UnderName.Name == "" {
		// The property is required; the address is the reader's own.
		v.UnderName.Name = line(c.Registration.Email)
	}
	event := &v.ReservationFor
	if e.Ends.After(e.Starts) {
		event.EndDate = e.Ends.In(r.zone).Format(time.RFC3339)
	}
	if event.Location.Name == "" {
		// Required, too. A link says that it is somewhere; a title is no lie.
		event.Location.Name, event.Location.Address = l.Title, l.Title
		if l.PageURL != "" {
			event.Location.Address = l.PageURL
		}
	}
	if t := convened.BaseLanguage(e.HeldIn); tag.MatchString(t) {
		event.InLanguage = t
	}
	if l.Organizer != "" {
		event.Organizer = &reservedPerson{Type: "Organization", Name: l.Organizer}
		v.Provider = event.Organizer
	}
	switch {
	case l.EventOff || l.SeatGivenUp:
		v.ReservationStatus = schema + "/ReservationCancelled"
		if l.EventOff {
			event.EventStatus = schema + "/EventCancelled"
		}
	case c.Notice.Kind == convened.Update && c.Was != nil && !c.Was.Starts.Equal(e.Starts):
		event.EventStatus = schema + "/EventRescheduled"
		event.PreviousStartDate = c.Was.Starts.In(c.Was.TimeLocation()).Format(time.RFC3339)
	}
	return v
}
