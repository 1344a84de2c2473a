package calendar

import (
	"errors"
	"testing"
	"time"

	"convened"
)

// FuzzInvitation holds that whatever people, organisers and the database put
// into an invitation, it is refused as a whole or read back as just that.
func FuzzInvitation(f *testing.F) {
	starts := webinar().Starts.Unix()
	for _, tt := range typed {
		f.Add(tt.text, tt.text, tt.text, tt.text, "ana@example.net", "https://example.org/join", "uid-1", "Europe/Brussels", "en", starts, int64(3600), int64(900), false)
		f.Add("Ana", "A webinar", "", "", tt.text+"@example.net", "https://example.org/"+tt.text, tt.text, tt.text, tt.text, starts, int64(3600), int64(900), true)
	}
	for _, zone := range []string{"America/New_York", "Europe/Dublin", "Africa/Casablanca", "Pacific/Chatham", "Australia/Lord_Howe", "America/Santiago", "CET", "UTC", ""} {
		f.Add("Ana", "A webinar", "Text", "Online", "ana@example.net", "", "uid-1", zone, "fr", starts, int64(86400*200), int64(0), false)
	}
	f.Fuzz(func(t *testing.T, name, summary, description, location, email, link, uid, zone, language string, starts, lasts, alarm int64, cancel bool) {
		inv := webinar()
		if cancel {
			inv.Method = Cancel
		}
		inv.Summary, inv.Description, inv.Location = summary, description, location
		inv.Organizer.Name, inv.Attendee = name, Person{Name: name, Email: email}
		inv.URL, inv.UID, inv.Zone, inv.Language = link, uid, zone, language
		inv.Starts = time.Unix(starts, 0)
		inv.Ends = inv.Starts.Add(time.Duration(lasts) * time.Second)
		inv.Alarm = time.Duration(alarm) * time.Second

		b, err := inv.Encode()
		if err != nil {
			if !errors.Is(err, convened.ErrRefused) || b != nil {
				t.Errorf("got %q, %v", b, err)
			}
			return
		}
		checkLines(t, b)
		checkMeaning(t, inv, b)
		checkLinks(t, inv)
	})
}
