package console

// eventWords are what the list of events and the overview of one say.
type eventWords struct {
	Upcoming, Past, None, NoneYours     string
	When, Where, Link, Registered, Sent string
	Attention, NoLink                   string
}

var eventWordsIn = map[string]*eventWords{
	"en": {
		Upcoming: "Upcoming", Past: "Past", None: "There is no event yet.", NoneYours: "You have been given access to no event yet.",
		When: "When", Where: "Where", Link: "Link to join", Registered: "Registered", Sent: "Letters sent",
		Attention: "Needs attention", NoLink: "none yet",
	},
	"fr": {
		Upcoming: "À venir", Past: "Passés", None: "Il n’y a pas encore d’événement.", NoneYours: "Vous n’avez encore accès à aucun événement.",
		When: "Quand", Where: "Lieu", Link: "Lien pour participer", Registered: "Inscrits", Sent: "E-mails envoyés",
		Attention: "À vérifier", NoLink: "pas encore",
	},
	"es": {
		Upcoming: "Próximos", Past: "Pasados", None: "Todavía no hay ningún evento.", NoneYours: "Todavía no tiene acceso a ningún evento.",
		When: "Cuándo", Where: "Lugar", Link: "Enlace para participar", Registered: "Inscritos", Sent: "Correos enviados",
		Attention: "Requiere atención", NoLink: "todavía no",
	},
}
