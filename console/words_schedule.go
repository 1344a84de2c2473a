package console

import (
	"strings"

	"convened"
	"convened/desk"
	"convened/scheduler"
)

// scheduleWords are what the editor of the schedule says. %n and %s are what the
// comment names. Pairs are one, and more.
type scheduleWords struct {
	Colon                        string // after a word
	Intro, None                  string // what the page is for; there is no rule
	Rule                         string // %n: its number
	Up, Down, Remove, Add        string
	OfRule                       string // %n: number; after a button's word, for screen readers
	Check, Look                  string // the buttons that say what the rules do, and that lead to the page that asks
	Way                          string
	Ways                         []pair
	Count, Unit                  string
	Units                        []pair
	Days, Clock, ClockHint       string
	Cron, CronHint               string
	From, Until, UntilHint       string
	EdgeUnits                    []pair
	Most, MostHint               string
	More                         string // heading of the part that few need
	Late                         string
	Lates                        []pair
	Name, NameHint               string
	Template, TemplateHint       string
	Note, NoteHint               string
	Sight                        string // heading over what a rule does, for screen readers
	Unread                       string // it can't be read yet
	NoNext                       string // it has no instant to come
	Left                         string // %n: how many more instants
	Past                         string // %n: how many are past, %s: of how many
	AfterEnd                     string
	WholeNumber, CronMissing     string
	NoTemplate, Mend             string
	Conflict, TheirsBy           string // %s: who, %n: when
	TheirsMore, Reload           string
	Saved, NothingChanges        string
	Error, Warning               string
	RuleCount, WrongCount        [2]string
	OddCount, PersonCount        [2]string
	AllWell                      string
	Review                       string
	MailsNobody, MailsNow        string // %n: how many people
	FirstMail                    string // %n: how many people, %s: when
	MoreNow, InLanguages         string // %s: languages
	Mailings, NoMailing          string
	What, WhenIs, Mail, People   string
	WasAt                        string // %s: when
	Changes, Field, Was, Becomes string
	Remarks                      string
	SaveNow, SaveAndMail, GoBack string // %n: how many people
	Differences                  map[string]string
	Kinds                        map[convened.Kind]string
}

// say puts a number and a word into a text.
func say(text, number, word string) string {
	return strings.NewReplacer("%n", number, "%s", word).Replace(text)
}

// problem says what is wrong with what was typed, and what to write.
func (f *frame) problem(p desk.Problem) string {
	said, _ := desk.ProblemIn(f.Language, p)
	return said
}

// remark says what is odd with a schedule.
func (f *frame) remark(w *scheduleWords, found scheduler.Finding) remark {
	r := remark{Error: found.Level == scheduler.LevelError, Label: w.Warning}
	if r.Error {
		r.Label = w.Error
	}
	said, translated := desk.In(f.Language, found)
	if r.Text = said; !translated {
		r.Language = "en"
	}
	return r
}

// count says how many there are of what has these two forms.
func (f *frame) count(n int, forms [2]string) string { return f.Count(n, forms[0], forms[1]) }

var scheduleWordsIn = map[string]*scheduleWords{
	"en": {
		Colon: ":",
		Intro: "When people are reminded, and when they hear from you afterwards. Nothing is saved before you have seen what it does.",
		None:  "There are no reminders: who registers gets the confirmation alone.",
		Rule:  "Reminder %n", Up: "Move up", Down: "Move down", Remove: "Remove", Add: "Add a reminder", OfRule: "reminder %n",
		Check: "Check", Look: "See what this does …",
		Way: "Goes out",
		Ways: []pair{{hoursBefore, "some hours or minutes before the start"}, {daysBefore, "some days before, at a time of day"}, {byCron, "again and again, by a cron line"},
			{hoursAfter, "some hours or minutes after the end"}, {daysAfter, "some days after the end, at a time of day"}},
		Count: "How many", Unit: "Unit", Units: []pair{{"h", "hours"}, {"m", "minutes"}, {"s", "seconds"}},
		Days: "Days", Clock: "Time of day", ClockHint: "HH:MM. Without one: that of the event.",
		Cron: "Cron line", CronHint: "Minute, hour, day, month, weekday: “0 9 * * MON-FRI” is 09:00 on weekdays.",
		From: "First, before the start", Until: "Last, before the start", UntilHint: "Empty: until the start.",
		EdgeUnits: []pair{{"days", "days"}, {"h", "hours"}, {"m", "minutes"}}, Most: "At most", MostHint: "How many times. Empty: no limit.",
		More:  "Name, template, latecomers, a text of your own",
		Late:  "Who registers after it",
		Lates: []pair{{"fold", "finds it in the confirmation, and gets nothing more"}, {"catch-up", "gets it at once"}, {"skip", "gets nothing"}},
		Name:  "Name", NameHint: "Only where you change its time later and it is to remain the same reminder.",
		Template: "Template", TemplateHint: "Empty: the usual one.",
		Note: "A paragraph of your own", NoteHint: "{name}, {title}, {starts_in}, {join_url} and others are filled in.",
		Sight: "What it does", Unread: "This can’t be read yet.", NoNext: "It does not go out any more.", Left: "and %n more", Past: "%n of %s are past", AfterEnd: "A follow-up, after the end.",
		WholeNumber: "Write a whole number.", CronMissing: "Write a cron line, such as 0 9 * * MON-FRI.", NoTemplate: "There is no template of this name.",
		Mend:     "Something is not right yet. What you typed is all here.",
		Conflict: "Somebody else changed this event meanwhile. What you typed is all here, and is not saved.",
		TheirsBy: "Changed by %s, %n:", TheirsMore: "If you go on, your reminders take the place of theirs. To begin again with theirs:", Reload: "Leave mine, show theirs",
		Saved: "The schedule is saved.", NothingChanges: "Nothing has changed.", Error: "Error:", Warning: "Note:",
		RuleCount: [2]string{"reminder", "reminders"}, WrongCount: [2]string{"to be mended", "to be mended"}, OddCount: [2]string{"note", "notes"}, PersonCount: [2]string{"person", "people"},
		AllWell: "nothing to mend", Review: "Save this schedule?",
		MailsNobody: "This mails nobody now.", MailsNow: "This will mail %n now.", FirstMail: "The first mail that it changes goes to %n: %s.",
		MoreNow: "Meanwhile it concerns more people than were shown to you. Please look again.", InLanguages: "In: %s.",
		Mailings: "What becomes of the mails", NoMailing: "No mail changes.", What: "Change", WhenIs: "When", Mail: "Mail", People: "People", WasAt: "before: %s",
		Changes: "What changes in the event", Field: "Field", Was: "Before", Becomes: "After", Remarks: "Worth a look",
		SaveNow: "Save", SaveAndMail: "Save, and mail %n now", GoBack: "Back to editing",
		Differences: map[string]string{desk.Added: "new", desk.Dropped: "dropped", desk.Moved: "moved", desk.Kept: "other people"},
		Kinds: map[convened.Kind]string{convened.Confirmation: "Confirmation", convened.ReminderKind: "Reminder", convened.Update: "Update", convened.Cancellation: "Cancellation",
			convened.Followup: "Follow-up", convened.Preflight: "Check before the start"},
	},
	"fr": {
		Colon: "\u00a0:",
		Intro: "Quand les personnes inscrites reçoivent un rappel, et un message après l’événement. Rien n’est enregistré avant que vous ayez vu l’effet.",
		None:  "Il n’y a aucun rappel\u00a0: qui s’inscrit reçoit seulement la confirmation.",
		Rule:  "Rappel %n", Up: "Monter", Down: "Descendre", Remove: "Retirer", Add: "Ajouter un rappel", OfRule: "rappel %n",
		Check: "Vérifier", Look: "Voir l’effet…",
		Way: "Part",
		Ways: []pair{{hoursBefore, "quelques heures ou minutes avant le début"}, {daysBefore, "quelques jours avant, à une heure donnée"}, {byCron, "plusieurs fois, selon une ligne cron"},
			{hoursAfter, "quelques heures ou minutes après la fin"}, {daysAfter, "quelques jours après la fin, à une heure donnée"}},
		Count: "Combien", Unit: "Unité", Units: []pair{{"h", "heures"}, {"m", "minutes"}, {"s", "secondes"}},
		Days: "Jours", Clock: "Heure", ClockHint: "HH:MM. Sans elle\u00a0: celle de l’événement.",
		Cron: "Ligne cron", CronHint: "Minute, heure, jour, mois, jour de la semaine\u00a0: «\u00a00 9 * * MON-FRI\u00a0» est 9\u00a0h\u00a000 en semaine.",
		From: "Premier, avant le début", Until: "Dernier, avant le début", UntilHint: "Vide\u00a0: jusqu’au début.",
		EdgeUnits: []pair{{"days", "jours"}, {"h", "heures"}, {"m", "minutes"}}, Most: "Au plus", MostHint: "Combien de fois. Vide\u00a0: sans limite.",
		More:  "Nom, modèle, inscriptions tardives, texte à vous",
		Late:  "Qui s’inscrit après son départ",
		Lates: []pair{{"fold", "le trouve dans la confirmation et ne reçoit rien de plus"}, {"catch-up", "le reçoit aussitôt"}, {"skip", "ne reçoit rien"}},
		Name:  "Nom", NameHint: "Seulement si vous changez plus tard son heure et qu’il doit rester le même rappel.",
		Template: "Modèle", TemplateHint: "Vide\u00a0: le modèle habituel.",
		Note: "Un paragraphe à vous", NoteHint: "{name}, {title}, {starts_in}, {join_url} et d’autres sont remplacés.",
		Sight: "Ce qu’il fait", Unread: "Ceci n’est pas encore lisible.", NoNext: "Il ne part plus.", Left: "et %n de plus", Past: "%n sur %s sont passés", AfterEnd: "Un message après la fin.",
		WholeNumber: "Écrivez un nombre entier.", CronMissing: "Écrivez une ligne cron, par exemple 0 9 * * MON-FRI.", NoTemplate: "Aucun modèle ne porte ce nom.",
		Mend:     "Quelque chose n’est pas encore juste. Tout ce que vous avez saisi est là.",
		Conflict: "Quelqu’un d’autre a modifié cet événement entre-temps. Tout ce que vous avez saisi est là, et n’est pas enregistré.",
		TheirsBy: "Modifié par %s, %n\u00a0:", TheirsMore: "Si vous continuez, vos rappels remplacent les siens. Pour repartir des siens\u00a0:", Reload: "Laisser les miens, voir les siens",
		Saved: "Le calendrier d’envoi est enregistré.", NothingChanges: "Rien n’a changé.", Error: "Erreur\u00a0:", Warning: "À noter\u00a0:",
		RuleCount: [2]string{"rappel", "rappels"}, WrongCount: [2]string{"à corriger", "à corriger"}, OddCount: [2]string{"remarque", "remarques"}, PersonCount: [2]string{"personne", "personnes"},
		AllWell: "rien à corriger", Review: "Enregistrer ce calendrier d’envoi\u00a0?",
		MailsNobody: "Personne ne reçoit de message maintenant.", MailsNow: "Un message part maintenant à %n.", FirstMail: "Le premier message que cela modifie est pour %n\u00a0: %s.",
		MoreNow: "Entre-temps, cela concerne plus de personnes qu’indiqué. Veuillez vérifier de nouveau.", InLanguages: "Langues\u00a0: %s.",
		Mailings: "Ce que deviennent les messages", NoMailing: "Aucun message ne change.", What: "Changement", WhenIs: "Quand", Mail: "Message", People: "Personnes", WasAt: "avant\u00a0: %s",
		Changes: "Ce qui change dans l’événement", Field: "Champ", Was: "Avant", Becomes: "Après", Remarks: "À regarder",
		SaveNow: "Enregistrer", SaveAndMail: "Enregistrer, et écrire maintenant à %n", GoBack: "Revenir à la saisie",
		Differences: map[string]string{desk.Added: "nouveau", desk.Dropped: "supprimé", desk.Moved: "déplacé", desk.Kept: "autres personnes"},
		Kinds: map[convened.Kind]string{convened.Confirmation: "Confirmation", convened.ReminderKind: "Rappel", convened.Update: "Mise à jour", convened.Cancellation: "Annulation",
			convened.Followup: "Message après l’événement", convened.Preflight: "Vérification avant le début"},
	},
	"es": {
		Colon: ":",
		Intro: "Cuándo reciben un recordatorio las personas inscritas, y cuándo un mensaje después. Nada se guarda antes de que haya visto el efecto.",
		None:  "No hay recordatorios: quien se inscribe recibe solo la confirmación.",
		Rule:  "Recordatorio %n", Up: "Subir", Down: "Bajar", Remove: "Quitar", Add: "Añadir un recordatorio", OfRule: "recordatorio %n",
		Check: "Comprobar", Look: "Ver el efecto…",
		Way: "Se envía",
		Ways: []pair{{hoursBefore, "unas horas o minutos antes del comienzo"}, {daysBefore, "unos días antes, a una hora dada"}, {byCron, "varias veces, según una línea cron"},
			{hoursAfter, "unas horas o minutos después del final"}, {daysAfter, "unos días después del final, a una hora dada"}},
		Count: "Cuántos", Unit: "Unidad", Units: []pair{{"h", "horas"}, {"m", "minutos"}, {"s", "segundos"}},
		Days: "Días", Clock: "Hora", ClockHint: "HH:MM. Sin ella: la del evento.",
		Cron: "Línea cron", CronHint: "Minuto, hora, día, mes, día de la semana: «0 9 * * MON-FRI» es a las 09:00 de lunes a viernes.",
		From: "El primero, antes del comienzo", Until: "El último, antes del comienzo", UntilHint: "Vacío: hasta el comienzo.",
		EdgeUnits: []pair{{"days", "días"}, {"h", "horas"}, {"m", "minutos"}}, Most: "Como máximo", MostHint: "Cuántas veces. Vacío: sin límite.",
		More:  "Nombre, plantilla, inscripciones tardías, un texto propio",
		Late:  "Quien se inscribe después de su envío",
		Lates: []pair{{"fold", "lo encuentra en la confirmación y no recibe nada más"}, {"catch-up", "lo recibe enseguida"}, {"skip", "no recibe nada"}},
		Name:  "Nombre", NameHint: "Solo si cambia más tarde su hora y debe seguir siendo el mismo recordatorio.",
		Template: "Plantilla", TemplateHint: "Vacío: la habitual.",
		Note: "Un párrafo propio", NoteHint: "{name}, {title}, {starts_in}, {join_url} y otros se sustituyen.",
		Sight: "Qué hace", Unread: "Esto aún no se puede leer.", NoNext: "Ya no se envía.", Left: "y %n más", Past: "%n de %s han pasado", AfterEnd: "Un mensaje después del final.",
		WholeNumber: "Escriba un número entero.", CronMissing: "Escriba una línea cron, por ejemplo 0 9 * * MON-FRI.", NoTemplate: "Ninguna plantilla tiene este nombre.",
		Mend:     "Algo aún no está bien. Todo lo que ha escrito sigue aquí.",
		Conflict: "Otra persona ha cambiado este evento mientras tanto. Todo lo que ha escrito sigue aquí, sin guardar.",
		TheirsBy: "Cambiado por %s, %n:", TheirsMore: "Si continúa, sus recordatorios sustituyen a los de esa persona. Para empezar de nuevo con aquellos:", Reload: "Dejar los míos, ver los otros",
		Saved: "El calendario de envíos se ha guardado.", NothingChanges: "No ha cambiado nada.", Error: "Error:", Warning: "Nota:",
		RuleCount: [2]string{"recordatorio", "recordatorios"}, WrongCount: [2]string{"por corregir", "por corregir"}, OddCount: [2]string{"nota", "notas"}, PersonCount: [2]string{"persona", "personas"},
		AllWell: "nada que corregir", Review: "¿Guardar este calendario de envíos?",
		MailsNobody: "Nadie recibe un correo ahora.", MailsNow: "Se enviará ahora un correo a %n.", FirstMail: "El primer correo que esto cambia es para %n: %s.",
		MoreNow: "Mientras tanto concierne a más personas de las que se le mostraron. Vuelva a mirarlo.", InLanguages: "Idiomas: %s.",
		Mailings: "Qué pasa con los correos", NoMailing: "Ningún correo cambia.", What: "Cambio", WhenIs: "Cuándo", Mail: "Correo", People: "Personas", WasAt: "antes: %s",
		Changes: "Qué cambia en el evento", Field: "Campo", Was: "Antes", Becomes: "Después", Remarks: "Conviene mirar",
		SaveNow: "Guardar", SaveAndMail: "Guardar y escribir ahora a %n", GoBack: "Volver a la edición",
		Differences: map[string]string{desk.Added: "nuevo", desk.Dropped: "suprimido", desk.Moved: "cambia de hora", desk.Kept: "otras personas"},
		Kinds: map[convened.Kind]string{convened.Confirmation: "Confirmación", convened.ReminderKind: "Recordatorio", convened.Update: "Actualización", convened.Cancellation: "Cancelación",
			convened.Followup: "Mensaje posterior", convened.Preflight: "Comprobación antes del comienzo"},
	},
}
