package desk

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"convened/scheduler"
	"convened/templates"
)

// In says what is odd with a schedule in a language that letters exist in: one
// sentence, with what to do about it after a semicolon. What nobody has translated
// stays English, and it reports false.
func In(language string, f scheduler.Finding) (string, bool) {
	return both(language, f.Message, f.Mend)
}

// ProblemIn says in such a language what is wrong with what somebody typed, without
// its key and its value, as In does.
func ProblemIn(language string, p Problem) (string, bool) { return both(language, p.Rule, p.Mend) }

func both(language, what, mend string) (string, bool) {
	said, known := translate(language, what)
	if mend == "" {
		return said, known
	}
	todo, knownToo := translate(language, mend)
	between := "; "
	if language == "fr" {
		between = "\u00a0; "
	}
	if !known || !knownToo {
		return what + "; " + mend, false
	}
	return said + between + todo, true
}

// A phrase is something that scheduler, templates or this package say, in three
// languages. {} is what differs from time to time; in the others it is {1}, {2} and
// so on, and is itself translated if it is a phrase or a time.
type phrase struct{ en, fr, es string }

// A pattern is a phrase to be recognised.
type pattern struct {
	form *regexp.Regexp
	in   map[string]string
}

var patterns = sync.OnceValue(func() []pattern {
	list := make([]pattern, len(phrases))
	for i, p := range phrases {
		form := strings.ReplaceAll(regexp.QuoteMeta(p.en), `\{\}`, `(.+?)`)
		list[i] = pattern{regexp.MustCompile(`(?s)^` + form + `$`), map[string]string{"fr": p.fr, "es": p.es}}
	}
	return list
})

// translate says a phrase in another language. It reports false, and answers with the
// phrase, where it is none of ours.
func translate(language, text string) (string, bool) {
	if language == "en" {
		return text, true
	}
	for _, p := range patterns() {
		m := p.form.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		said := p.in[language]
		if said == "" {
			return text, false
		}
		var pairs []string
		for i, part := range m[1:] {
			pairs = append(pairs, "{"+strconv.Itoa(i+1)+"}", translatePart(language, part))
		}
		return strings.NewReplacer(pairs...).Replace(said), true
	}
	return text, false
}

// momentLayout is how package scheduler writes an instant on the event's clock.
const momentLayout = "Monday 2 January 2006 at 15:04"

func translatePart(language, part string) string {
	if t, err := time.Parse(momentLayout, part); err == nil {
		s := templates.Speak(language, time.UTC)
		return s.Date(t) + ", " + s.Clock(t)
	}
	var list []string
	for i, problem := range strings.Split(part, "; line ") { // of a text with several
		if i > 0 {
			problem = "line " + problem
		}
		said, _ := translate(language, problem)
		list = append(list, said)
	}
	return strings.Join(list, "; ")
}

// phrases are in the order in which they are looked for: the more particular first.
var phrases = []phrase{
	// What scheduler.Lint finds.
	{"an earlier reminder has the same key, so this one is never sent", "un rappel précédent porte le même nom\u00a0: celui-ci n’est jamais envoyé", "un recordatorio anterior tiene el mismo nombre, así que este nunca se envía"},
	{"give one of the two a name of its own, with name:", "donnez à l’un des deux un nom à lui (name)", "dé a uno de los dos un nombre propio (name)"},
	{"the event began on {}, so no reminder goes out any more", "l’événement a commencé {1}\u00a0: plus aucun rappel ne part", "el evento comenzó el {1}, así que ya no sale ningún recordatorio"},
	{"the start, {}, does not exist in {}, where the clock is put forward over it, and counts as {}", "le début, {1}, n’existe pas ({2}), car l’horloge y est avancée\u00a0: il compte comme {3}", "el comienzo, {1}, no existe ({2}), porque el reloj se adelanta, y cuenta como {3}"},
	{"the end, {}, does not exist in {}, where the clock is put forward over it, and counts as {}", "la fin, {1}, n’existe pas ({2}), car l’horloge y est avancée\u00a0: elle compte comme {3}", "el final, {1}, no existe ({2}), porque el reloj se adelanta, y cuenta como {3}"},
	{"the start, {}, exists twice in {}, where the clock is put back, and counts as the first", "le début, {1}, existe deux fois ({2}), car l’horloge y est retardée\u00a0: c’est la première qui compte", "el comienzo, {1}, existe dos veces ({2}), porque el reloj se atrasa, y cuenta la primera"},
	{"the end, {}, exists twice in {}, where the clock is put back, and counts as the first", "la fin, {1}, existe deux fois ({2}), car l’horloge y est retardée\u00a0: c’est la première qui compte", "el final, {1}, existe dos veces ({2}), porque el reloj se atrasa, y cuenta la primera"},
	{"write another time, or say in the description which is meant", "écrivez une autre heure, ou précisez dans la description", "escriba otra hora, o aclárelo en la descripción"},
	{"the rule never fires: its window, from {} to {}, holds none of its instants", "la règle ne se déclenche jamais\u00a0: sa fenêtre, du {1} au {2}, n’en contient aucun instant", "la regla nunca se cumple: su ventana, del {1} al {2}, no contiene ninguno de sus momentos"},
	{"widen the window with from: and until:, or change the cron line", "élargissez la fenêtre, ou changez la ligne cron", "amplíe la ventana, o cambie la línea cron"},
	{"the rule never fires: {} is not after the end", "la règle ne se déclenche jamais\u00a0: {1} n’est pas après la fin", "la regla nunca se cumple: {1} no es después del final"},
	{"the rule never fires: {} is not before the start", "la règle ne se déclenche jamais\u00a0: {1} n’est pas avant le début", "la regla nunca se cumple: {1} no es antes del comienzo"},
	{"write a later hour, or more days", "écrivez une heure plus tardive, ou plus de jours", "escriba una hora posterior, o más días"},
	{"write an earlier hour, or more days", "écrivez une heure plus matinale, ou plus de jours", "escriba una hora anterior, o más días"},
	{"the cron line names days of the month and days of the week, and fires on either", "la ligne cron nomme des jours du mois et des jours de la semaine, et se déclenche les uns comme les autres", "la línea cron nombra días del mes y días de la semana, y se cumple en unos y otros"},
	{"write * for one of the two", "écrivez * pour l’un des deux", "escriba * para uno de los dos"},
	{"the rule sends {} mails to each person", "la règle envoie {1} messages à chaque personne", "la regla envía {1} correos a cada persona"},
	{"add at_most:, or shorten the window", "limitez leur nombre, ou raccourcissez la fenêtre", "limite su número, o acorte la ventana"},
	{"{}, in the night ({})", "{1}, la nuit ({2})", "{1}, de noche ({2})"},
	{`choose an hour between 07:00 and 22:00, such as "before: 1 day at 09:00"`, "choisissez une heure entre 7\u00a0h et 22\u00a0h, par exemple 1 jour avant, à 09:00", "elija una hora entre las 07:00 y las 22:00, por ejemplo 1 día antes, a las 09:00"},
	{"{}, before the event was announced on {}", "{1}, avant que l’événement soit annoncé, {2}", "{1}, antes de que se anunciara el evento, el {2}"},
	{"choose a time nearer to the start", "choisissez un moment plus proche du début", "elija un momento más cercano al comienzo"},
	{"all of its instants are past, the last on {}", "tous ses instants sont passés, le dernier {1}", "todos sus momentos han pasado, el último el {1}"},
	{"choose a time nearer to the start, or remove the rule", "choisissez un moment plus proche du début, ou retirez la règle", "elija un momento más cercano al comienzo, o quite la regla"},
	{"the mail goes out on {}", "le message part {1}", "el correo sale el {1}"},
	{"1 of {} mails goes out on {}", "1 message sur {1} part {2}", "1 de {1} correos sale el {2}"},
	{"{} of {} mails go out, the first on {}", "{1} messages sur {2} partent, le premier {3}", "{1} de {2} correos salen, el primero el {3}"},
	{"{} does not exist in {}, where the clock is put forward over it, and counts as {}", "{1} n’existe pas ({2}), car l’horloge y est avancée\u00a0: cela compte comme {3}", "{1} no existe ({2}), porque el reloj se adelanta, y cuenta como {3}"},
	{"{} exists twice in {}, where the clock is put back, and counts as the first", "{1} existe deux fois ({2}), car l’horloge y est retardée\u00a0: c’est la première fois qui compte", "{1} existe dos veces ({2}), porque el reloj se atrasa, y cuenta la primera"},
	{"choose an hour at which no clock is changed", "choisissez une heure à laquelle aucune horloge ne change", "elija una hora a la que no se cambie ningún reloj"},
	{"the rule fires twice within the hour: on {} and {} later", "la règle se déclenche deux fois en une heure\u00a0: {1}, et {2} plus tard", "la regla se cumple dos veces en una hora: el {1}, y {2} después"},
	{"write fewer minutes in the cron line", "écrivez moins de minutes dans la ligne cron", "escriba menos minutos en la línea cron"},
	{"the rule fires at the same instant as {}, on {}", "la règle se déclenche au même instant que {1}, {2}", "la regla se cumple en el mismo momento que {1}, el {2}"},
	{"the rule fires {} after {}, on {}", "la règle se déclenche {1} après {2}, {3}", "la regla se cumple {1} después de {2}, el {3}"},
	{"move one of the two", "déplacez l’un des deux", "mueva uno de los dos"},

	// What is wrong with a rule.
	{"is longer than {} bytes", "est trop long (plus de {1} octets)", "es demasiado largo (más de {1} bytes)"},
	{"is longer than {} days", "dure plus de {1} jours", "dura más de {1} días"},
	{"is more than {} days from the event", "est à plus de {1} jours de l’événement", "está a más de {1} días del evento"},
	{"is no time at all, and a reminder goes out before the start and a follow-up after the end", "n’est aucune durée, or un rappel part avant le début et un message de suivi après la fin", "no es ningún tiempo, y un recordatorio sale antes del comienzo y un mensaje posterior después del final"},
	{"has {} as its time of day", "a {1} pour heure", "tiene {1} como hora"},
	{"is not a duration", "n’est pas une durée", "no es una duración"},
	{"is not further from the start than until: {}, and the window begins at from and ends at until", "n’est pas plus loin du début que la fin de la fenêtre ({1})", "no está más lejos del comienzo que el final de la ventana ({1})"},
	{"is no number of mails", "n’est pas un nombre de messages", "no es un número de correos"},
	{"is not a whole number", "n’est pas un nombre entier", "no es un número entero"},
	{"names a zone, and a rule is always in the event's zone", "nomme un fuseau, or une règle est toujours dans celui de l’événement", "nombra una zona, y una regla está siempre en la del evento"},
	{"is a descriptor, and a rule says its hour", "est une abréviation, or une règle dit son heure", "es una abreviatura, y una regla dice su hora"},
	{"has six fields: seconds and years are not used", "a six champs\u00a0: ni secondes ni années ne servent", "tiene seis campos: no se usan segundos ni años"},
	{"has {} of the five fields", "a {1} des cinq champs", "tiene {1} de los cinco campos"},
	{"has the {} range {}, which ends before it begins", "a l’intervalle {2}, qui finit avant de commencer", "tiene el intervalo {2}, que acaba antes de empezar"},
	{"has the {} step {}, which has no second value", "a le pas {2}, qui n’a pas de seconde valeur", "tiene el paso {2}, que no tiene un segundo valor"},
	{"has {} as its minute", "a {1} pour minute", "tiene {1} como minuto"},
	{"has {} as its hour", "a {1} pour heure", "tiene {1} como hora"},
	{"has {} as its day of month", "a {1} pour jour du mois", "tiene {1} como día del mes"},
	{"has {} as its month", "a {1} pour mois", "tiene {1} como mes"},
	{"has {} as its day of week", "a {1} pour jour de la semaine", "tiene {1} como día de la semana"},
	{"is not a cron line ({})", "n’est pas une ligne cron", "no es una línea cron"},
	{"never fires: no month that it names has that day", "ne se déclenche jamais\u00a0: aucun mois nommé n’a ce jour", "nunca se cumple: ningún mes nombrado tiene ese día"},
	{"fires at {} and {}, and two mails of a rule are at least {} minutes apart", "se déclenche à {1} et à {2}, or deux messages d’une règle sont séparés d’au moins {3} minutes", "se cumple a las {1} y a las {2}, y dos correos de una regla distan al menos {3} minutos"},
	{"name a day that the month has", "nommez un jour que le mois possède", "nombre un día que el mes tenga"},
	{"remove everything up to the first field", "retirez tout ce qui précède le premier champ", "quite todo lo que precede al primer campo"},
	{`write five fields, minute hour day-of-month month day-of-week, such as "0 9 * * MON-FRI"`, "écrivez cinq champs (minute, heure, jour, mois, jour de la semaine), par exemple 0 9 * * MON-FRI", "escriba cinco campos (minuto, hora, día, mes, día de la semana), por ejemplo 0 9 * * MON-FRI"},
	{`write minutes further apart, such as "0" or "0,30"`, "écrivez des minutes plus espacées, par exemple 0 ou 0,30", "escriba minutos más separados, por ejemplo 0 o 0,30"},
	{"write *, a value, a range such as {}, a list or a step such as */2", "écrivez *, une valeur, un intervalle comme {1}, une liste ou un pas comme */2", "escriba *, un valor, un intervalo como {1}, una lista o un paso como */2"},
	{"write it as a list, with commas", "écrivez une liste, avec des virgules", "escríbalo como lista, con comas"},
	{"write the one value that is meant", "écrivez la seule valeur voulue", "escriba el único valor deseado"},
	{"write a number from {} to {}", "écrivez un nombre de {1} à {2}", "escriba un número de {1} a {2}"},
	{"write a shorter one", "écrivez plus court", "escriba algo más corto"},
	{"write a shorter time", "écrivez une durée plus courte", "escriba un tiempo más corto"},
	{"write fewer days", "écrivez moins de jours", "escriba menos días"},
	{"write a longer from, or a shorter until", "éloignez le premier, ou rapprochez le dernier", "aleje el primero, o acerque el último"},
	{"write one from {} to {}, or leave it out for no limit", "écrivez un nombre de {1} à {2}, ou rien pour aucune limite", "escriba un número de {1} a {2}, o nada para no limitar"},
	{"write one such as {}, or leave it out for no limit", "écrivez par exemple {1}, ou rien pour aucune limite", "escriba por ejemplo {1}, o nada para no limitar"},
	{"write one from 1, or leave it out for no limit", "écrivez un nombre à partir de 1, ou rien pour aucune limite", "escriba un número desde 1, o nada para no limitar"},
	{"write one from 00:00 to 23:59", "écrivez une heure de 00:00 à 23:59", "escriba una hora de 00:00 a 23:59"},
	{`write hours and minutes, such as "09:00" or "16:30"`, "écrivez les heures et les minutes, par exemple 09:00 ou 16:30", "escriba horas y minutos, por ejemplo 09:00 o 16:30"},
	{`write a time, such as "{}: 1h" or "{}: 0 days at 09:00"`, "écrivez une durée, par exemple 1 heure, ou 0 jour à 09:00", "escriba un tiempo, por ejemplo 1 hora, o 0 días a las 09:00"},

	// What is wrong with what stands beside a rule.
	{"is the name of the reminder number {} too", "est aussi le nom du rappel numéro {1}", "es también el nombre del recordatorio número {1}"},
	{"is the same rule as that of the reminder number {}", "est la même règle que celle du rappel numéro {1}", "es la misma regla que la del recordatorio número {1}"},
	{"leave one of the two out, or give it a name: of its own", "retirez l’un des deux, ou donnez-lui un nom à lui", "quite uno de los dos, o dele un nombre propio"},
	{"is none of fold, catch-up and skip", "n’est aucun des choix possibles", "no es ninguna de las opciones"},
	{"write fold (the confirmation says it), catch-up (it is sent at once) or skip (nothing)", "choisissez dans la liste", "elija de la lista"},
	{"is not the name of a template, which is letters, digits and hyphens", "n’est pas le nom d’un modèle, qui est fait de lettres, de chiffres et de traits d’union", "no es el nombre de una plantilla, que consta de letras, cifras y guiones"},
	{"write a name such as followup", "écrivez un nom comme followup", "escriba un nombre como followup"},
	{"shorten it; people never see it", "raccourcissez-le\u00a0: personne ne le voit", "acórtelo: nadie lo ve"},
	{"are more than {}", "sont plus de {1}", "son más de {1}"},
	{"nobody wants that much mail: leave some out, or use cron", "personne ne veut autant de messages\u00a0: retirez-en, ou utilisez une ligne cron", "nadie quiere tantos correos: quite algunos, o use una línea cron"},
	{"has {} characters", "a {1} caractères", "tiene {1} caracteres"},
	{"shorten it to {}", "ramenez-le à {1}", "acórtelo a {1}"},
	{"has more than one line", "a plus d’une ligne", "tiene más de una línea"},
	{"write it on one, with commas", "écrivez-le sur une seule, avec des virgules", "escríbalo en una sola, con comas"},
	{"has the control character {}", "contient le caractère de contrôle {1}", "contiene el carácter de control {1}"},
	{"take it out", "retirez-le", "quítelo"},
	{"is not under the code of a language", "n’est pas sous le code d’une langue", "no está bajo el código de un idioma"},

	// What is wrong with what an event is, where and when.
	{"is required", "est nécessaire", "es necesario"},
	{"is empty", "est vide", "está vacío"},
	{"is longer than {} characters", "a plus de {1} caractères", "tiene más de {1} caracteres"},
	{"is not made of lower-case letters, digits and hyphens", "n’est pas fait de minuscules sans accent, de chiffres et de traits d’union", "no consta de minúsculas sin acento, cifras y guiones"},
	{"is not a language that letters are written in", "n’est pas une langue dans laquelle les messages existent", "no es un idioma en el que existan los correos"},
	{"is not the code of a language", "n’est pas le code d’une langue", "no es el código de un idioma"},
	{"is not a mail address: {}", "n’est pas une adresse e-mail", "no es una dirección de correo"},
	{"is a web address with a blank in it", "est une adresse web qui contient une espace", "es una dirección web con un espacio"},
	{"is a web address without https://", "est une adresse web sans https://", "es una dirección web sin https://"},
	{"is a web address with a user or password in it", "est une adresse web qui contient un utilisateur ou un mot de passe", "es una dirección web con un usuario o una contraseña"},
	{"is not a web address", "n’est pas une adresse web", "no es una dirección web"},
	{"is not https, and letters hold no other links or pictures", "n’est pas en https, et les messages n’ont pas d’autres liens ni images", "no es https, y los correos no llevan otros enlaces ni imágenes"},
	{"is not a colour", "n’est pas une couleur", "no es un color"},
	{"is not a colour of six digits", "n’est pas une couleur à six chiffres", "no es un color de seis cifras"},
	{"is missing", "manque", "falta"},
	{"is an abbreviation, which Postgres, Go and people read differently in summer", "est une abréviation, que chacun comprend autrement en été", "es una abreviatura, que cada cual entiende de otra manera en verano"},
	{"is not an IANA Region/City name", "n’est pas un nom de la forme Région/Ville", "no es un nombre de la forma Región/Ciudad"},
	{"is not in the time zone database (names are case-sensitive)", "n’est pas un fuseau connu (majuscules et minuscules comptent)", "no es una zona conocida (mayúsculas y minúsculas cuentan)"},
	{"is not after starts, which is {}", "n’est pas après le début, {1}", "no es posterior al comienzo, {1}"},
	{"is {} days after starts, which is {}", "est {1} jours après le début, {2}", "es {1} días después del comienzo, {2}"},
	{"is not a date and time", "n’est pas une date avec une heure", "no es una fecha con hora"},
	{"is in a year that can't be meant", "est dans une année invraisemblable", "es en un año que no puede ser"},
	{"has a zone or an offset of its own, and zone says that for the event", "a un fuseau ou un décalage à lui, or celui de l’événement est dit à part", "tiene una zona o un desfase propios, y los del evento se dicen aparte"},
	{"is on a day that does not exist", "est un jour qui n’existe pas", "es en un día que no existe"},
	{"is a date without a time of day", "est une date sans heure", "es una fecha sin hora"},
	{"is a time without a date", "est une heure sans date", "es una hora sin fecha"},
	{"write the text, or leave the language out", "écrivez le texte, ou laissez cette langue de côté", "escriba el texto, o prescinda de este idioma"},
	{"write a code of two letters, such as fr", "écrivez un code de deux lettres, par exemple fr", "escriba un código de dos letras, por ejemplo fr"},
	{"write one of {}; titles and texts can be in others all the same", "écrivez l’un de {1}\u00a0; titres et textes peuvent être dans d’autres", "escriba uno de {1}; los títulos y textos pueden estar en otros"},
	{"write {}, and the name under organizer.name", "écrivez {1}, et le nom à part", "escriba {1}, y el nombre aparte"},
	{"write a shorter address", "écrivez une adresse plus courte", "escriba una dirección más corta"},
	{"write %20 for a blank", "écrivez %20 pour une espace", "escriba %20 para un espacio"},
	{"write something like {}", "écrivez par exemple {1}", "escriba por ejemplo {1}"},
	{"leave out what stands before the @", "retirez ce qui précède le @", "quite lo que precede a la @"},
	{`write one such as "#1a5fb4": red, green and blue from 00 to ff`, "écrivez par exemple #1a5fb4\u00a0: rouge, vert et bleu de 00 à ff", "escriba por ejemplo #1a5fb4: rojo, verde y azul de 00 a ff"},
	{"write a later time, or mend starts", "écrivez une heure plus tardive, ou corrigez le début", "escriba una hora posterior, o corrija el comienzo"},
	{"write an end within {} days, or make each meeting an event of its own", "écrivez une fin dans les {1} jours, ou faites de chaque rencontre un événement", "escriba un final dentro de {1} días, o haga de cada encuentro un evento"},
	{"write one from 1970 to 2199", "écrivez une année de 1970 à 2199", "escriba un año de 1970 a 2199"},
	{"write what the clock shows in the event's zone, without it", "écrivez l’heure du fuseau de l’événement, sans lui", "escriba la hora de la zona del evento, sin ella"},
	{"write another, such as {}", "écrivez-en un autre, par exemple {1}", "escriba otro, por ejemplo {1}"},
	{"write {}, say", "écrivez par exemple {1}", "escriba por ejemplo {1}"},
	{"write an IANA name such as {}", "écrivez un nom comme {1}", "escriba un nombre como {1}"},
	{"write a name such as {}", "écrivez un nom comme {1}", "escriba un nombre como {1}"},
	{"a name such as {}", "un nom comme {1}", "un nombre como {1}"},
	{"write one such as {}", "écrivez par exemple {1}", "escriba por ejemplo {1}"},
	{"write a short name in lower-case letters, digits and hyphens, such as {}", "écrivez un nom court en minuscules, chiffres et traits d’union, par exemple {1}", "escriba un nombre corto en minúsculas, cifras y guiones, por ejemplo {1}"},
	{"write event: a short name in lower-case letters, digits and hyphens, such as {}", "écrivez un nom court en minuscules, chiffres et traits d’union, par exemple {1}", "escriba un nombre corto en minúsculas, cifras y guiones, por ejemplo {1}"},
	{`write title: and what the event is called, or {fr: "…", en: "…"}`, "écrivez comment l’événement s’appelle", "escriba cómo se llama el evento"},
	{"write zone: an IANA name such as {}", "écrivez un nom comme {1}", "escriba un nombre como {1}"},
	{"write starts: {}, as the clock in the zone shows it", "écrivez par exemple {1}, à l’heure du fuseau", "escriba por ejemplo {1}, en la hora de la zona"},
	{"write ends: {}, as the clock in the zone shows it", "écrivez par exemple {1}, à l’heure du fuseau", "escriba por ejemplo {1}, en la hora de la zona"},
	{"write another", "écrivez-en un autre", "escriba otro"},

	// What is wrong with the words in braces.
	{"has a placeholder that can't be filled in: {}", "contient des accolades qui ne peuvent être remplacées\u00a0: {1}", "contiene llaves que no se pueden sustituir: {1}"},
	{"it has {} characters; shorten it to {}", "le texte a {1} caractères, au plus {2} sont possibles", "el texto tiene {1} caracteres, como máximo puede tener {2}"},
	{"line {}: Go templates are not read here: write {name} for {{.Name}}, and \\{ for a brace", "ligne {1}\u00a0: écrivez {name} et non {{.Name}}, et \\{ pour une accolade", "línea {1}: escriba {name} y no {{.Name}}, y \\{ para una llave"},
	{"line {}: a brace is not closed: write {name}, or \\{ for a brace", "ligne {1}\u00a0: une accolade n’est pas fermée\u00a0: écrivez {name}, ou \\{ pour une accolade", "línea {1}: una llave no está cerrada: escriba {name}, o \\{ para una llave"},
	{"line {}: {} is not known", "ligne {1}\u00a0: {2} n’est pas connu", "línea {1}: {2} no se conoce"},

	// What to write instead, and lists: the most general come last.
	{"write one of {}", "écrivez l’un de {1}", "escriba uno de {1}"},
	{"did you mean {}?", "vouliez-vous dire {1}\u00a0?", "¿quería decir {1}?"},
	{"write {}", "écrivez {1}", "escriba {1}"},
	{"{}; {}", "{1}\u00a0; {2}", "{1}; {2}"},
	{"{} or {}", "{1} ou {2}", "{1} o {2}"},
}
