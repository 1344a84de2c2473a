package templates

import (
	"slices"
	"strings"

	"convened"
)

// languageName names the language of a tag ("fr", "pt-BR") in another: "French",
// "français", "francés". A tag that the table does not know is returned as it
// is, cleaned: what the organiser wrote is better than nothing.
func languageName(tag, in string) string {
	column := slices.Index([]string{"en", "fr", "es"}, in) + 1
	base := convened.BaseLanguage(tag)
	for row := range strings.Lines(languageTable) {
		if f := strings.Split(strings.TrimSpace(row), "|"); len(f) == 4 && f[0] == base {
			return f[max(column, 1)]
		}
	}
	return line(tag)
}

// languageTable has a row a language: ISO 639-1, English, French, Spanish.
const languageTable = `
am|Amharic|amharique|amárico
ar|Arabic|arabe|árabe
bg|Bulgarian|bulgare|búlgaro
bn|Bengali|bengali|bengalí
ca|Catalan|catalan|catalán
cs|Czech|tchèque|checo
da|Danish|danois|danés
de|German|allemand|alemán
el|Greek|grec|griego
en|English|anglais|inglés
es|Spanish|espagnol|español
et|Estonian|estonien|estonio
eu|Basque|basque|euskera
fa|Persian|persan|persa
fi|Finnish|finnois|finés
fr|French|français|francés
ga|Irish|irlandais|irlandés
gl|Galician|galicien|gallego
he|Hebrew|hébreu|hebreo
hi|Hindi|hindi|hindi
hr|Croatian|croate|croata
hu|Hungarian|hongrois|húngaro
hy|Armenian|arménien|armenio
id|Indonesian|indonésien|indonesio
is|Icelandic|islandais|islandés
it|Italian|italien|italiano
ja|Japanese|japonais|japonés
ka|Georgian|géorgien|georgiano
km|Khmer|khmer|jemer
ko|Korean|coréen|coreano
lb|Luxembourgish|luxembourgeois|luxemburgués
lt|Lithuanian|lituanien|lituano
lv|Latvian|letton|letón
mk|Macedonian|macédonien|macedonio
mn|Mongolian|mongol|mongol
ms|Malay|malais|malayo
mt|Maltese|maltais|maltés
nl|Dutch|néerlandais|neerlandés
no|Norwegian|norvégien|noruego
nb|Norwegian|norvégien|noruego
pl|Polish|polonais|polaco
pt|Portuguese|portugais|portugués
ro|Romanian|roumain|rumano
ru|Russian|russe|ruso
sk|Slovak|slovaque|eslovaco
sl|Slovenian|slovène|esloveno
so|Somali|somali|somalí
sq|Albanian|albanais|albanés
sr|Serbian|serbe|serbio
sv|Swedish|suédois|sueco
sw|Swahili|swahili|suajili
ta|Tamil|tamoul|tamil
th|Thai|thaï|tailandés
tr|Turkish|turc|turco
uk|Ukrainian|ukrainien|ucraniano
ur|Urdu|ourdou|urdu
vi|Vietnamese|vietnamien|vietnamita
wo|Wolof|wolof|wólof
zh|Chinese|chinois|chino
`
