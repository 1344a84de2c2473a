package templates

import (
	"fmt"
	"strings"
	"time"
)

// zoneAt names loc to a reader as a city's time and its offset from UTC at t:
// "Brussels time (UTC+1)", "heure de Bruxelles (UTC+1)".
func (l *locale) zoneAt(t time.Time, loc *time.Location) string {
	city := l.cityOf(loc.String())
	if city == "" {
		return utc(t, loc)
	}
	return l.zone(city) + nbsp + "(" + utc(t, loc) + ")"
}

// utc is the offset of loc at t: "UTC", "UTC+1", "UTC−3:30". London in winter is
// "UTC+0": it is not UTC all year.
func utc(t time.Time, loc *time.Location) string {
	if loc == time.UTC || loc.String() == "Etc/UTC" {
		return "UTC"
	}
	_, offset := t.In(loc).Zone()
	sign := "+"
	if offset < 0 {
		sign, offset = "−", -offset
	}
	s := fmt.Sprintf("UTC%s%d", sign, offset/3600)
	if m := offset % 3600 / 60; m != 0 {
		s += fmt.Sprintf(":%02d", m)
	}
	return s
}

// cityOf returns the city (or the island, or the country) that an IANA name
// stands for, as the language has it; "" for UTC.
func (l *locale) cityOf(zone string) string {
	if zone == "UTC" || zone == "Etc/UTC" {
		return ""
	}
	if c, ok := formerly[zone]; ok {
		zone = c
	}
	id := zone[strings.LastIndexByte(zone, '/')+1:]
	if names, ok := cities()[id]; ok {
		return names[l.city]
	}
	return strings.ReplaceAll(id, "_", " ")
}

// sameClock reports whether a clock in a reads like one in b, from start to end.
func sameClock(start, end time.Time, a, b *time.Location) bool {
	same := func(t time.Time) bool {
		_, x := t.In(a).Zone()
		_, y := t.In(b).Zone()
		return x == y
	}
	return same(start) && same(end)
}
