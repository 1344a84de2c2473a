package templates

import (
	"cmp"
	_ "embed"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"convened"
)

// A Region is a part of the world and the zones in it, as a page offers them to a
// reader.
type Region struct {
	Name  string
	Zones []ZoneChoice
}

// A ZoneChoice is one zone of a list.
type ZoneChoice struct {
	ID   string // IANA Region/City
	Name string // "Brussels (UTC+1)"
}

// Regions lists the zones of the world by region, named in a language of the
// letters, with their offsets at an instant. Regions and zones stand in the order
// in which a reader of that language looks them up. UTC is not among them.
func Regions(language string, at time.Time) []Region {
	l := localeOf[language]
	var regions []Region
	for _, g := range gazetteers()[l.city] {
		r := Region{Name: g.name, Zones: make([]ZoneChoice, 0, len(g.zones))}
		for _, z := range g.zones {
			// A list that is newer than this machine's zone data has more than there is.
			if loc, err := convened.LoadZone(z.ID); err == nil {
				r.Zones = append(r.Zones, ZoneChoice{z.ID, z.Name + nbsp + "(" + utc(at, loc) + ")"})
			}
		}
		regions = append(regions, r)
	}
	return regions
}

// ZoneAt names a zone as the letters in a language do, with its offset at an
// instant: "Brussels time (UTC+1)".
func ZoneAt(language string, at time.Time, zone *time.Location) string {
	return localeOf[language].zoneAt(at, zone)
}

// A gazetteer is a region with its zones in order, which stays the same while
// the offsets change.
type gazetteer struct {
	name  string
	zones []ZoneChoice // without offsets
}

// gazetteers are those of each language, by its column in the table of cities.
var gazetteers = sync.OnceValue(func() (all [3][]gazetteer) {
	byName := func(a, b string) int { return strings.Compare(sortKey(a), sortKey(b)) }
	for column := range all {
		l := &locale{city: column}
		regions := map[string]*gazetteer{}
		for _, id := range zoneIDs() {
			region := regionOf(id)
			if regions[region] == nil {
				regions[region] = &gazetteer{name: regionNames[region][column]}
			}
			regions[region].zones = append(regions[region].zones, ZoneChoice{id, headword(l.cityOf(id))})
		}
		for _, g := range regions {
			slices.SortFunc(g.zones, func(a, b ZoneChoice) int { return cmp.Or(byName(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
			all[column] = append(all[column], *g)
		}
		slices.SortFunc(all[column], func(a, b gazetteer) int { return byName(a.name, b.name) })
	}
	return all
})

//go:embed zones.txt
var zoneList string

// zoneIDs returns the zones of the list.
func zoneIDs() []string {
	var ids []string
	for line := range strings.Lines(zoneList) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			ids = append(ids, line)
		}
	}
	return ids
}

// regionNames are the first parts of IANA names, as the three languages have them.
var regionNames = map[string][3]string{
	"Africa": {"Africa", "Afrique", "África"}, "America": {"Americas", "Amériques", "América"}, "Antarctica": {"Antarctica", "Antarctique", "Antártida"},
	"Asia": {"Asia", "Asie", "Asia"}, "Atlantic": {"Atlantic Ocean", "Océan Atlantique", "Océano Atlántico"}, "Australia": {"Australia", "Australie", "Australia"},
	"Europe": {"Europe", "Europe", "Europa"}, "Indian": {"Indian Ocean", "Océan Indien", "Océano Índico"}, "Pacific": {"Pacific Ocean", "Océan Pacifique", "Océano Pacífico"},
}

// regionOf returns the region of a zone. Longyearbyen has one to itself, where
// nobody would look.
func regionOf(id string) string {
	region, _, _ := strings.Cut(id, "/")
	if region == "Arctic" {
		return "Europe"
	}
	return region
}

// headword is a name as a list has it: without the article that a sentence
// needs ("les Açores"), and with a capital. The article of a name ("Le Caire") stays.
func headword(name string) string {
	for _, article := range []string{"le ", "la ", "les ", "l’", "el ", "los ", "las "} {
		if s, ok := strings.CutPrefix(name, article); ok {
			name = s
			break
		}
	}
	r := []rune(name)
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}

// sortKey is what a name is sorted by: without accents and case.
func sortKey(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(s))
}
