package convened

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// String is the notice's occasion: the reminder's key, the start that it was
// for, and its ordinal, such as "before 24h@2026-11-25T15:00:00Z#1". An event
// that moves has new occasions, so that what went out for the old start can go
// out again for the new one.
func (o Occasion) String() string {
	return o.Key + "@" + o.Start.UTC().Format(time.RFC3339) + "#" + strconv.Itoa(o.Ordinal)
}

// PreflightOccasion is the occasion of the preflight of an event that starts at
// an instant. One that moves is looked at again.
func PreflightOccasion(start time.Time) string { return start.UTC().Format(time.RFC3339) }

// ParseOccasion reads what String wrote. At is not part of it.
func ParseOccasion(s string) (Occasion, error) {
	hash := strings.LastIndexByte(s, '#')
	if hash < 0 {
		return Occasion{}, fmt.Errorf("occasion %q has no ordinal", s)
	}
	at := strings.LastIndexByte(s[:hash], '@')
	if at < 0 {
		return Occasion{}, fmt.Errorf("occasion %q has no start", s)
	}
	start, err := time.Parse(time.RFC3339, s[at+1:hash])
	if err != nil {
		return Occasion{}, fmt.Errorf("occasion %q: %w", s, err)
	}
	n, err := strconv.Atoi(s[hash+1:])
	if err != nil {
		return Occasion{}, fmt.Errorf("occasion %q: %w", s, err)
	}
	return Occasion{Key: s[:at], Start: start.UTC(), Ordinal: n}, nil
}

// Priority orders the kinds when more is due than can be sent at once: the
// lower goes first. Who has just registered is waiting at the screen; a change
// must overtake the reminder that it makes wrong.
func (k Kind) Priority() int {
	switch k {
	case Confirmation:
		return 0
	case Update, Cancellation, Preflight:
		return 1
	case Followup:
		return 3
	default:
		return 2
	}
}
