package console

// signUpWords are what the page on which people register says.
type signUpWords struct {
	Register, Submit                       string
	Email, EmailFault, Name, Optional      string
	Language, LanguageHint, Zone, ZoneHint string
	Leave                                  string // beside the field that people do not see
	Thanks, ThanksMore, ThanksNone         string
	Another                                string
	Off, OffMore, Over, OverMore           string
	OtherLanguages                         string
	Privacy                                string
}

var signUpWordsIn = map[string]*signUpWords{
	"en": {
		Register: "Register", Submit: "Register",
		Email: "E-mail address", EmailFault: "Please enter an e-mail address such as ana@example.org", Name: "Name", Optional: "optional",
		Language: "Language of the e-mails", LanguageHint: "The event itself may be in another language.",
		Zone: "Your time zone", ZoneHint: "So that the e-mails also say when it starts where you are.",
		Leave:  "Please leave this empty",
		Thanks: "Thank you", ThanksMore: "A confirmation with an invitation for your calendar is on its way to the address that you gave.",
		ThanksNone: "Nothing after a few minutes? Look among unwanted mail; else the address may have been mistyped, and you can register once more.",
		Another:    "Register somebody else",
		Off:        "This event has been cancelled", OffMore: "It is not possible to register any more.",
		Over: "This event is over", OverMore: "It is not possible to register any more.",
		OtherLanguages: "This page in other languages",
		Privacy:        "Your address is used for e-mails about this event alone.",
	},
	"fr": {
		Register: "Inscription", Submit: "S’inscrire",
		Email: "Adresse e-mail", EmailFault: "Indiquez une adresse e-mail telle que ana@example.org", Name: "Nom", Optional: "facultatif",
		Language: "Langue des e-mails", LanguageHint: "L’événement lui-même peut être dans une autre langue.",
		Zone: "Votre fuseau horaire", ZoneHint: "Pour que les e-mails indiquent aussi l’heure de chez vous.",
		Leave:  "Laissez ce champ vide",
		Thanks: "Merci", ThanksMore: "Une confirmation, avec une invitation pour votre agenda, est en route vers l’adresse que vous avez indiquée.",
		ThanksNone: "Rien après quelques minutes\u00a0? Regardez parmi les indésirables\u00a0; sinon l’adresse était peut-être mal saisie, et vous pouvez vous inscrire de nouveau.",
		Another:    "Inscrire une autre personne",
		Off:        "Cet événement est annulé", OffMore: "Il n’est plus possible de s’inscrire.",
		Over: "Cet événement est terminé", OverMore: "Il n’est plus possible de s’inscrire.",
		OtherLanguages: "Cette page dans d’autres langues",
		Privacy:        "Votre adresse ne sert qu’aux e-mails à propos de cet événement.",
	},
	"es": {
		Register: "Inscripción", Submit: "Inscribirse",
		Email: "Correo electrónico", EmailFault: "Escriba una dirección de correo como ana@example.org", Name: "Nombre", Optional: "opcional",
		Language: "Idioma de los correos", LanguageHint: "El evento puede ser en otro idioma.",
		Zone: "Su zona horaria", ZoneHint: "Para que los correos digan también a qué hora es donde usted está.",
		Leave:  "Deje este campo vacío",
		Thanks: "Gracias", ThanksMore: "Una confirmación, con una invitación para su calendario, va de camino a la dirección que ha indicado.",
		ThanksNone: "¿Nada al cabo de unos minutos? Mire entre el correo no deseado; si no, quizá la dirección tenía un error, y puede inscribirse de nuevo.",
		Another:    "Inscribir a otra persona",
		Off:        "Este evento se ha cancelado", OffMore: "Ya no es posible inscribirse.",
		Over: "Este evento ha terminado", OverMore: "Ya no es posible inscribirse.",
		OtherLanguages: "Esta página en otros idiomas",
		Privacy:        "Su dirección se usa solo para correos sobre este evento.",
	},
}

// embedWords are what the overview of an event says of that page.
type embedWords struct{ Title, Open, Embed, EmbedHint string }

var embedWordsIn = map[string]*embedWords{
	"en": {Title: "Sign-up page", Open: "People register at", Embed: "To show the form in a page of your own, paste this:",
		EmbedHint: "It is shown on the site of the event’s page, and on those that public.embed_on in the configuration names."},
	"fr": {Title: "Page d’inscription", Open: "On s’inscrit à l’adresse", Embed: "Pour afficher le formulaire dans une page à vous, collez ceci\u00a0:",
		EmbedHint: "Il s’affiche sur le site de la page de l’événement, et sur ceux que nomme public.embed_on dans la configuration."},
	"es": {Title: "Página de inscripción", Open: "La gente se inscribe en", Embed: "Para mostrar el formulario en una página suya, pegue esto:",
		EmbedHint: "Se muestra en el sitio de la página del evento, y en los que nombra public.embed_on en la configuración."},
}
