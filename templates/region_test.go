package templates

import (
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
)

var november = time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)

// choices returns the zones of all regions by their ids.
func choices(language string) map[string]string {
	m := map[string]string{}
	for _, r := range Regions(language, november) {
		for _, z := range r.Zones {
			m[z.ID] = r.Name + ": " + z.Name
		}
	}
	return m
}

func TestEveryZoneOfTheListIsOfferedInEveryLanguage(t *testing.T) {
	for _, language := range convened.Languages() {
		offered := choices(language)
		if len(offered) != len(zoneIDs()) || len(offered) < 400 {
			t.Errorf("%s: %d zones are offered, of %d", language, len(offered), len(zoneIDs()))
		}
		for id, name := range offered {
			if _, err := convened.LoadZone(id); err != nil {
				t.Error(err)
			}
			if strings.HasPrefix(name, ":") || strings.Contains(name, "_") || !strings.Contains(name, "(UTC") {
				t.Errorf("%s: %s is called %q", language, id, name)
			}
		}
	}
}

func TestZonesAreCalledAsTheReaderCallsThem(t *testing.T) {
	for _, tt := range []struct{ language, id, want string }{
		{"en", "Europe/Brussels", "Europe: Brussels\u00a0(UTC+1)"},
		{"fr", "Europe/Brussels", "Europe: Bruxelles\u00a0(UTC+1)"},
		{"es", "Europe/Brussels", "Europa: Bruselas\u00a0(UTC+1)"},
		{"es", "America/Mexico_City", "América: Ciudad de México\u00a0(UTC−6)"},
		{"fr", "Atlantic/Azores", "Océan Atlantique: Açores\u00a0(UTC−1)"},
		{"fr", "Africa/Cairo", "Afrique: Le Caire\u00a0(UTC+2)"},
		{"fr", "Europe/Isle_of_Man", "Europe: Île de Man\u00a0(UTC+0)"},
		{"es", "Europe/Vatican", "Europa: Vaticano\u00a0(UTC+1)"},
		{"en", "Asia/Kolkata", "Asia: Kolkata\u00a0(UTC+5:30)"},
		{"en", "Arctic/Longyearbyen", "Europe: Longyearbyen\u00a0(UTC+1)"},
	} {
		if got := choices(tt.language)[tt.id]; got != tt.want {
			t.Errorf("%s: %s is %q, want %q", tt.language, tt.id, got, tt.want)
		}
	}
}

func TestZonesStandWhereOneLooksForThem(t *testing.T) {
	for _, language := range convened.Languages() {
		var regions []string
		for _, r := range Regions(language, november) {
			regions = append(regions, sortKey(r.Name))
			var names []string
			for _, z := range r.Zones {
				city, _, _ := strings.Cut(z.Name, "\u00a0(")
				names = append(names, sortKey(city))
			}
			if !slices.IsSorted(names) {
				t.Errorf("%s: the zones of %s are %q", language, r.Name, names)
			}
		}
		if !slices.IsSorted(regions) || len(regions) != 9 {
			t.Errorf("%s: the regions are %q", language, regions)
		}
	}
	// Accents do not send a city to the end.
	var ids []string
	for _, r := range Regions("es", november) {
		for _, z := range r.Zones {
			ids = append(ids, z.ID)
		}
	}
	if i, j := slices.Index(ids, "America/Asuncion"), slices.Index(ids, "America/Atikokan"); i < 0 || i > j {
		t.Errorf("Asunción is at %d, Atikokan at %d", i, j)
	}
}

func TestAZoneIsNamedAsInTheLetters(t *testing.T) {
	for language, want := range map[string]string{"en": "Brussels time\u00a0(UTC+1)", "fr": "heure de Bruxelles\u00a0(UTC+1)", "es": "hora de Bruselas\u00a0(UTC+1)"} {
		loc, err := convened.LoadZone("Europe/Brussels")
		if err != nil {
			t.Fatal(err)
		}
		if got := ZoneAt(language, november, loc); got != want {
			t.Errorf("%s: got %q, want %q", language, got, want)
		}
	}
}
