package console

import (
	"strings"

	"convened"
)

// eventWords are what the list of events, the overview of one and its edit say.
type eventWords struct {
	Upcoming, Past, Earlier, Latest, None, NoneYours                                     string
	Title, When, Where, Link, NoLink, Page, Organizer, Facts, EditIt, CancelIt, NewEvent string
	Standing                                                                             string
	Registered, Sent, Arriving, Underway, GivenUp, Muted, BadAddress                     string
	Attention                                                                            string
	Of                                                                                   string // %s of %s
	InLanguages                                                                          string // %s: how many in which

	// What somebody should look at.
	Quarantined, LinkMissing, HeldOne, HeldMany, RefusedOne, RefusedMany string

	// The mails, drawn and listed.
	Mails, NoMails, Drawing, Listing, Drawn, Legend, Number, Mail, Leaves, People string
	Left, ToCome, StillUnderway, OfWhichRefused, OfWhichHeld                      string
	Counting, Night, Withdrawals                                                  string
	Kinds                                                                         map[convened.Kind]string

	Did map[string]string // what the last click did
}

// of puts two numbers into "%s of %s".
func (w *eventWords) of(a, b string) string { return fill(strings.Replace(w.Of, "%s", a, 1), b) }

var eventWordsIn = map[string]*eventWords{
	"en": {
		Upcoming: "Upcoming", Past: "Past", Earlier: "Earlier events", Latest: "Latest events", None: "There is no event yet.", NoneYours: "You have been given access to no event yet.",
		Title: "Title", When: "When", Where: "Where", Link: "Link to join", NoLink: "none yet", Page: "Event page", Organizer: "Organiser",
		Facts: "The event", EditIt: "Edit or move the event", CancelIt: "Cancel the event", NewEvent: "New event",
		Standing: "How things stand", Registered: "Registered", Sent: "Letters sent", Arriving: "Just registered", Underway: "To be sent now", GivenUp: "Gave up their seat",
		Muted: "Want no reminders", BadAddress: "Address does not work", Attention: "Needs attention", Of: "%s of %s", InLanguages: "Letters by language: %s.",
		Quarantined: "Nothing is sent: this database may be a copy.", LinkMissing: "There is neither a link to join nor a place yet.",
		HeldOne: "letter is held", HeldMany: "letters are held", RefusedOne: "letter was refused", RefusedMany: "letters were refused",
		Mails: "Every letter, past and to come", NoMails: "No letter has left, and no rule will send one.", Drawing: "Drawing of the letters over time", Listing: "List of the letters",
		Drawn:  "Each number is a row of the table below: full circles have left, empty ones are to come. The lanes are clocks, with the nights in grey.",
		Legend: "Full circles have left, empty ones are to come; the dashed line is now. Days near the event are drawn wider. Each lane is a clock of registrants, with its nights in grey; a red dot is a letter that arrives there between 22:00 and 07:00.",
		Number: "No.", Mail: "Letter", Leaves: "State", People: "People", Left: "sent", ToCome: "to come", StillUnderway: "under way:", OfWhichRefused: "refused:", OfWhichHeld: "held:",
		Counting: "being counted", Night: "at night", Withdrawals: "Withdrawals by registrants",
		Kinds: map[convened.Kind]string{convened.Confirmation: "Confirmations", convened.ReminderKind: "Reminder", convened.Update: "The event has changed", convened.Cancellation: "The event is cancelled", convened.Followup: "Follow-up"},
		Did:   map[string]string{"saved": "The event is saved.", "moved": "The event is saved, and everybody concerned is being told.", "cancelled": "The event is cancelled, and everybody concerned is being told.", "same": "Nothing changes."},
	},
	"fr": {
		Upcoming: "À venir", Past: "Passés", Earlier: "Événements antérieurs", Latest: "Derniers événements", None: "Il n’y a pas encore d’événement.", NoneYours: "Vous n’avez encore accès à aucun événement.",
		Title: "Titre", When: "Quand", Where: "Lieu", Link: "Lien pour participer", NoLink: "pas encore", Page: "Page web", Organizer: "Organisation",
		Facts: "L’événement", EditIt: "Modifier ou déplacer l’événement", CancelIt: "Annuler l’événement", NewEvent: "Nouvel événement",
		Standing: "Où en est-on", Registered: "Inscrits", Sent: "E-mails envoyés", Arriving: "Viennent de s’inscrire", Underway: "À envoyer maintenant", GivenUp: "Ont annulé",
		Muted: "Sans rappels", BadAddress: "Adresse hors service", Attention: "À vérifier", Of: "%s sur %s", InLanguages: "E-mails par langue\u00a0: %s.",
		Quarantined: "Rien n’est envoyé\u00a0: cette base de données est peut-être une copie.", LinkMissing: "Il n’y a encore ni lien pour participer, ni lieu.",
		HeldOne: "e-mail est retenu", HeldMany: "e-mails sont retenus", RefusedOne: "e-mail a été refusé", RefusedMany: "e-mails ont été refusés",
		Mails: "Tous les e-mails, passés et à venir", NoMails: "Aucun e-mail n’est parti, et aucune règle n’en enverra.", Drawing: "Dessin des e-mails dans le temps", Listing: "Liste des e-mails",
		Drawn:  "Chaque numéro est une ligne du tableau ci-dessous\u00a0: les cercles pleins sont partis, les vides sont à venir. Les couloirs sont des horloges, avec les nuits en gris.",
		Legend: "Les cercles pleins sont partis, les vides sont à venir\u00a0; la ligne en tirets est l’instant présent. Les jours proches de l’événement sont plus larges. Chaque couloir est une horloge d’inscrits, avec ses nuits en gris\u00a0; un point rouge est un e-mail qui y arrive entre 22\u00a0h et 7\u00a0h.",
		Number: "N°", Mail: "E-mail", Leaves: "État", People: "Personnes", Left: "envoyé", ToCome: "à venir", StillUnderway: "en cours\u00a0:", OfWhichRefused: "refusés\u00a0:", OfWhichHeld: "retenus\u00a0:",
		Counting: "comptage en cours", Night: "la nuit", Withdrawals: "Désistements d’inscrits",
		Kinds: map[convened.Kind]string{convened.Confirmation: "Confirmations", convened.ReminderKind: "Rappel", convened.Update: "L’événement a changé", convened.Cancellation: "L’événement est annulé", convened.Followup: "Suivi"},
		Did:   map[string]string{"saved": "L’événement est enregistré.", "moved": "L’événement est enregistré\u00a0; toutes les personnes concernées sont prévenues.", "cancelled": "L’événement est annulé\u00a0; toutes les personnes concernées sont prévenues.", "same": "Rien ne change."},
	},
	"es": {
		Upcoming: "Próximos", Past: "Pasados", Earlier: "Eventos anteriores", Latest: "Últimos eventos", None: "Todavía no hay ningún evento.", NoneYours: "Todavía no tiene acceso a ningún evento.",
		Title: "Título", When: "Cuándo", Where: "Lugar", Link: "Enlace para participar", NoLink: "todavía no", Page: "Página web", Organizer: "Organiza",
		Facts: "El evento", EditIt: "Editar o mover el evento", CancelIt: "Cancelar el evento", NewEvent: "Nuevo evento",
		Standing: "Cómo va todo", Registered: "Inscritos", Sent: "Correos enviados", Arriving: "Acaban de inscribirse", Underway: "Por enviar ahora", GivenUp: "Han renunciado",
		Muted: "Sin recordatorios", BadAddress: "Dirección que no funciona", Attention: "Requiere atención", Of: "%s de %s", InLanguages: "Correos por idioma: %s.",
		Quarantined: "No se envía nada: esta base de datos puede ser una copia.", LinkMissing: "Todavía no hay ni enlace para participar ni lugar.",
		HeldOne: "correo está retenido", HeldMany: "correos están retenidos", RefusedOne: "correo fue rechazado", RefusedMany: "correos fueron rechazados",
		Mails: "Todos los correos, pasados y futuros", NoMails: "No ha salido ningún correo, y ninguna regla enviará uno.", Drawing: "Dibujo de los correos en el tiempo", Listing: "Lista de los correos",
		Drawn:  "Cada número es una fila de la tabla de abajo: los círculos llenos ya han salido, los vacíos están por salir. Los carriles son relojes, con las noches en gris.",
		Legend: "Los círculos llenos ya han salido, los vacíos están por salir; la línea discontinua es ahora. Los días cercanos al evento se dibujan más anchos. Cada carril es un reloj de inscritos, con sus noches en gris; un punto rojo es un correo que llega allí entre las 22:00 y las 07:00.",
		Number: "N.º", Mail: "Correo", Leaves: "Estado", People: "Personas", Left: "enviado", ToCome: "por salir", StillUnderway: "en curso:", OfWhichRefused: "rechazados:", OfWhichHeld: "retenidos:",
		Counting: "contando", Night: "de noche", Withdrawals: "Renuncias de inscritos",
		Kinds: map[convened.Kind]string{convened.Confirmation: "Confirmaciones", convened.ReminderKind: "Recordatorio", convened.Update: "El evento ha cambiado", convened.Cancellation: "El evento está cancelado", convened.Followup: "Seguimiento"},
		Did:   map[string]string{"saved": "El evento está guardado.", "moved": "El evento está guardado y se avisa a todas las personas afectadas.", "cancelled": "El evento está cancelado y se avisa a todas las personas afectadas.", "same": "Nada cambia."},
	},
}
