package console

// editWords are what the form of an event and the page that asks say.
type editWords struct {
	NewTitle, EditTitle, Review, CancelTitle                                                       string
	TitleGroup, TimeGroup, PlaceGroup, LanguageGroup, OrganizerGroup, AboutGroup, LooksGroup       string
	Slug, SlugHint, SlugTaken, Title, Starts, Ends, Zone, ZoneHint, Where, Link, LinkHint, Page    string
	Letters, LettersHint, HeldIn, HeldInHint, Organizer, OrganizerEmail, About, Colour, ColourHint string
	Logo, LogoHint                                                                                 string
	Look, Make, Mend                                                                               string
	AtOnce                                                                                         string
	InAWhile                                                                                       string // %s: minutes
	Notices, Subject, CancelAsk, CancelNow                                                         string
	CancelAndTell                                                                                  string // %s: how many people
}

var editWordsIn = map[string]*editWords{
	"en": {
		NewTitle: "A new event", EditTitle: "Edit the event", Review: "Save the event?", CancelTitle: "Cancel the event?",
		TitleGroup: "Title", TimeGroup: "Time", PlaceGroup: "Place and link", LanguageGroup: "Languages", OrganizerGroup: "Organiser", AboutGroup: "Description", LooksGroup: "Appearance",
		Slug: "Short name", SlugHint: "For links and commands: lower-case letters, digits and hyphens. It can’t be changed later.", SlugTaken: "There is an event of that name already.",
		Title: "Title", Starts: "Starts", Ends: "Ends", Zone: "Time zone", ZoneHint: "A place such as Europe/Brussels. The times are what the clock on the wall shows there.",
		Where: "Place", Link: "Link to join", LinkHint: "It may follow later: the letters lead to it as soon as it is here.", Page: "Event page",
		Letters: "Letters", LettersHint: "For those whose language is not known.", HeldIn: "Held in", HeldInHint: "The code of the language that is spoken, such as fr.",
		Organizer: "Name", OrganizerEmail: "E-mail address", About: "Description", Colour: "Colour", ColourHint: "Such as #1a5fb4.", Logo: "Logo", LogoHint: "The https address of a picture.",
		Look: "See what this does …", Make: "Create the event", Mend: "Something is not right yet: see below. Nothing was saved.",
		AtOnce: "They are told at once.", InAWhile: "They are told in about %s minutes, unless there is another edit before.",
		Notices: "The letters", Subject: "Subject", CancelAsk: "This can’t be taken back: whoever is told that the event is off believes it.", CancelNow: "Cancel the event", CancelAndTell: "Cancel the event and tell %s",
	},
	"fr": {
		NewTitle: "Un nouvel événement", EditTitle: "Modifier l’événement", Review: "Enregistrer l’événement\u00a0?", CancelTitle: "Annuler l’événement\u00a0?",
		TitleGroup: "Titre", TimeGroup: "Horaire", PlaceGroup: "Lieu et lien", LanguageGroup: "Langues", OrganizerGroup: "Organisation", AboutGroup: "Description", LooksGroup: "Apparence",
		Slug: "Nom court", SlugHint: "Pour les liens et les commandes\u00a0: lettres minuscules, chiffres et traits d’union. Il ne peut plus être changé ensuite.", SlugTaken: "Un événement porte déjà ce nom.",
		Title: "Titre", Starts: "Début", Ends: "Fin", Zone: "Fuseau horaire", ZoneHint: "Un lieu tel que Europe/Brussels. Les heures sont celles de l’horloge murale à cet endroit.",
		Where: "Lieu", Link: "Lien pour participer", LinkHint: "Il peut venir plus tard\u00a0: les e-mails y mènent dès qu’il est là.", Page: "Page web",
		Letters: "E-mails", LettersHint: "Pour les personnes dont la langue n’est pas connue.", HeldIn: "Langue parlée", HeldInHint: "Le code de la langue parlée, par exemple fr.",
		Organizer: "Nom", OrganizerEmail: "Adresse e-mail", About: "Description", Colour: "Couleur", ColourHint: "Par exemple #1a5fb4.", Logo: "Logo", LogoHint: "L’adresse https d’une image.",
		Look: "Voir ce que cela fait…", Make: "Créer l’événement", Mend: "Quelque chose ne va pas encore\u00a0: voyez ci-dessous. Rien n’a été enregistré.",
		AtOnce: "Ces personnes sont prévenues tout de suite.", InAWhile: "Ces personnes sont prévenues dans environ %s minutes, sauf nouvelle modification d’ici là.",
		Notices: "Les e-mails", Subject: "Objet", CancelAsk: "Cela ne peut pas être repris\u00a0: quiconque apprend que l’événement est annulé le croit.", CancelNow: "Annuler l’événement", CancelAndTell: "Annuler l’événement et prévenir %s",
	},
	"es": {
		NewTitle: "Un nuevo evento", EditTitle: "Editar el evento", Review: "¿Guardar el evento?", CancelTitle: "¿Cancelar el evento?",
		TitleGroup: "Título", TimeGroup: "Horario", PlaceGroup: "Lugar y enlace", LanguageGroup: "Idiomas", OrganizerGroup: "Organización", AboutGroup: "Descripción", LooksGroup: "Apariencia",
		Slug: "Nombre corto", SlugHint: "Para enlaces y órdenes: letras minúsculas, cifras y guiones. No se puede cambiar después.", SlugTaken: "Ya hay un evento con ese nombre.",
		Title: "Título", Starts: "Comienzo", Ends: "Fin", Zone: "Zona horaria", ZoneHint: "Un lugar como Europe/Brussels. Las horas son las del reloj de pared de allí.",
		Where: "Lugar", Link: "Enlace para participar", LinkHint: "Puede venir más tarde: los correos llevan a él en cuanto esté.", Page: "Página web",
		Letters: "Correos", LettersHint: "Para quienes no se conoce el idioma.", HeldIn: "Idioma hablado", HeldInHint: "El código del idioma que se habla, por ejemplo fr.",
		Organizer: "Nombre", OrganizerEmail: "Dirección de correo", About: "Descripción", Colour: "Color", ColourHint: "Por ejemplo #1a5fb4.", Logo: "Logotipo", LogoHint: "La dirección https de una imagen.",
		Look: "Ver qué hace…", Make: "Crear el evento", Mend: "Algo no está bien todavía: vea abajo. No se ha guardado nada.",
		AtOnce: "Se les avisa enseguida.", InAWhile: "Se les avisa en unos %s minutos, salvo que haya otra edición antes.",
		Notices: "Los correos", Subject: "Asunto", CancelAsk: "Esto no se puede deshacer: quien se entera de que el evento se cancela lo cree.", CancelNow: "Cancelar el evento", CancelAndTell: "Cancelar el evento y avisar a %s",
	},
}
