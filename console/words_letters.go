package console

import "convened"

// letterWords are what the page of the letters says. %n and %s are what the comment
// names.
type letterWords struct {
	Colon                          string // after a word
	Which                          string // heading over what is chosen
	Kind                           string
	Kinds                          map[convened.Kind]string
	Rule, InLanguage, AsReader     string
	When, WhenDue                  string
	Whens                          []pair
	At, AtHint                     string
	Who, Samples, Found            string
	Somebody, Nameless             string
	Tokyo, Mexico                  string
	Search, SearchHint             string
	Show                           string
	Letter, Subject, As            string // %s: when
	Phone, Desktop                 string // titles of the frames
	Frames                         string
	Plain, Header                  string
	Invitation, NoInvitation       string
	File                           string
	Texts, TextsHint               string
	Introduction, IntroductionHint string
	Note, NoteHint                 string
	Placeholders                   string
	SaveTexts                      string
	Trial, TrialHint, To, Send     string
	TrialSent                      string // %s: address
	NotTaken                       string // %s: where it happened, %n: the server's words
	TooManyTrials, NotAllowed      string
	NoAddress                      string
	Saved, Same                    string
	WrongText, WrongTime           string
	NoRule, NoTrouble, TooLong     string
	TheirsMore                     string
}

var letterWordsIn = map[string]*letterWords{
	"en": {
		Colon: ":", Which: "Which letter", Kind: "Letter", Kinds: scheduleWordsIn["en"].Kinds, Rule: "Reminder", InLanguage: "Language", AsReader: "The reader’s",
		When: "As of", WhenDue: "when it would be sent",
		Whens: []pair{{rightly, "now"}, {"-7d", "7 days before the start"}, {"-24h", "one day before the start"}, {"-1h", "one hour before the start"}, {"-10m", "ten minutes before the start"},
			{"start", "the start"}, {"+2h", "two hours after the end"}, {atThat, "another time:"}},
		At: "At another time", AtHint: "On the event’s clock: 2026-11-25 15:00",
		Who: "For", Samples: "Readers that nobody is", Found: "Registrants", Somebody: "Amélie Laurent, in the event’s time zone", Nameless: "somebody whose name is not known",
		Tokyo: "Amélie Laurent, in Tokyo", Mexico: "Amélie Laurent, in Mexico City", Search: "Find a registrant", SearchHint: "A part of the name or the address", Show: "Show",
		Letter: "The letter", Subject: "Subject", As: "as of %s", Phone: "On a phone, 375 pixels wide", Desktop: "On a computer, 700 pixels wide", Frames: "The letter on a phone and on a computer",
		Plain: "As plain text", Header: "Header", Invitation: "The invitation", NoInvitation: "No invitation goes with this letter.", File: "Download the letter (.eml)",
		Texts: "Texts of your own", TextsHint: "In words, with an empty line between paragraphs. Saving them mails nobody: they stand in the letters that are still to go out.",
		Introduction: "Introduction, in the confirmation", IntroductionHint: "At most 4,000 characters.", Note: "Note, in this reminder alone", NoteHint: "At most 4,000 characters.",
		Placeholders: "Words in braces are filled in:", SaveTexts: "Save the texts",
		Trial: "Send it to yourself", TrialHint: "Only to this address. The subject says that it is a test, and its links lead nowhere.", To: "Address", Send: "Send a test",
		TrialSent: "A test was sent to %s.", NotTaken: "The mail server did not take it (%s): %n", TooManyTrials: "That were many tests. Please wait a minute.",
		NotAllowed: "This service may not write to that address (allow_recipients).", NoAddress: "This is not an e-mail address.", Saved: "The texts are saved.", Same: "Nothing has changed.",
		WrongText: "Something in the texts is not right yet. What you typed is all here.", WrongTime: "Write a date and a time, such as 2026-11-25 15:00.",
		NoRule: "The schedule has no rule that sends such a letter.", NoTrouble: "Nothing is wrong with this event, so there is nothing that this letter would say.",
		TooLong: "The text is too long to be shown before it is saved.", TheirsMore: "If you go on, your texts take the place of theirs. To begin again with theirs:",
	},
	"fr": {
		Colon: "\u00a0:", Which: "Quel message", Kind: "Message", Kinds: scheduleWordsIn["fr"].Kinds, Rule: "Rappel", InLanguage: "Langue", AsReader: "Celle du destinataire",
		When: "Vu", WhenDue: "au moment de l’envoi",
		Whens: []pair{{rightly, "maintenant"}, {"-7d", "7 jours avant le début"}, {"-24h", "un jour avant le début"}, {"-1h", "une heure avant le début"}, {"-10m", "dix minutes avant le début"},
			{"start", "au début"}, {"+2h", "deux heures après la fin"}, {atThat, "à un autre moment\u00a0:"}},
		At: "À un autre moment", AtHint: "À l’heure de l’événement\u00a0: 2026-11-25 15:00",
		Who: "Pour", Samples: "Destinataires fictifs", Found: "Personnes inscrites", Somebody: "Amélie Laurent, dans le fuseau de l’événement", Nameless: "une personne dont on ignore le nom",
		Tokyo: "Amélie Laurent, à Tokyo", Mexico: "Amélie Laurent, à Mexico", Search: "Chercher une personne inscrite", SearchHint: "Une partie du nom ou de l’adresse", Show: "Afficher",
		Letter: "Le message", Subject: "Objet", As: "vu %s", Phone: "Sur un téléphone, 375 pixels de large", Desktop: "Sur un ordinateur, 700 pixels de large", Frames: "Le message sur un téléphone et sur un ordinateur",
		Plain: "En texte brut", Header: "En-tête", Invitation: "L’invitation", NoInvitation: "Ce message ne comporte pas d’invitation.", File: "Télécharger le message (.eml)",
		Texts: "Vos propres textes", TextsHint: "En mots, avec une ligne vide entre les paragraphes. Les enregistrer n’envoie rien\u00a0: ils figurent dans les messages encore à venir.",
		Introduction: "Introduction, dans la confirmation", IntroductionHint: "4\u00a0000 caractères au plus.", Note: "Note, dans ce rappel seulement", NoteHint: "4\u00a0000 caractères au plus.",
		Placeholders: "Les mots entre accolades sont remplacés\u00a0:", SaveTexts: "Enregistrer les textes",
		Trial: "L’envoyer à vous-même", TrialHint: "À cette adresse seulement. L’objet dit qu’il s’agit d’un essai, et ses liens ne mènent nulle part.", To: "Adresse", Send: "Envoyer un essai",
		TrialSent: "Un essai a été envoyé à %s.", NotTaken: "Le serveur de messagerie ne l’a pas accepté (%s)\u00a0: %n", TooManyTrials: "Cela fait beaucoup d’essais. Patientez une minute.",
		NotAllowed: "Ce service ne peut pas écrire à cette adresse (allow_recipients).", NoAddress: "Ce n’est pas une adresse e-mail.", Saved: "Les textes sont enregistrés.", Same: "Rien n’a changé.",
		WrongText: "Quelque chose dans les textes n’est pas encore juste. Tout ce que vous avez saisi est là.", WrongTime: "Écrivez une date et une heure, par exemple 2026-11-25 15:00.",
		NoRule: "Aucune règle du calendrier n’envoie un tel message.", NoTrouble: "Cet événement n’a pas de problème\u00a0: ce message n’aurait rien à dire.",
		TooLong: "Le texte est trop long pour être montré avant d’être enregistré.", TheirsMore: "Si vous continuez, vos textes remplacent les siens. Pour repartir des siens\u00a0:",
	},
	"es": {
		Colon: ":", Which: "Qué correo", Kind: "Correo", Kinds: scheduleWordsIn["es"].Kinds, Rule: "Recordatorio", InLanguage: "Idioma", AsReader: "El del destinatario",
		When: "Visto", WhenDue: "cuando se enviaría",
		Whens: []pair{{rightly, "ahora"}, {"-7d", "7 días antes del comienzo"}, {"-24h", "un día antes del comienzo"}, {"-1h", "una hora antes del comienzo"}, {"-10m", "diez minutos antes del comienzo"},
			{"start", "al comienzo"}, {"+2h", "dos horas después del final"}, {atThat, "en otro momento:"}},
		At: "En otro momento", AtHint: "En la hora del evento: 2026-11-25 15:00",
		Who: "Para", Samples: "Destinatarios ficticios", Found: "Personas inscritas", Somebody: "Amélie Laurent, en la zona horaria del evento", Nameless: "alguien cuyo nombre no se conoce",
		Tokyo: "Amélie Laurent, en Tokio", Mexico: "Amélie Laurent, en Ciudad de México", Search: "Buscar a una persona inscrita", SearchHint: "Una parte del nombre o de la dirección", Show: "Mostrar",
		Letter: "El correo", Subject: "Asunto", As: "visto %s", Phone: "En un teléfono, 375 píxeles de ancho", Desktop: "En un ordenador, 700 píxeles de ancho", Frames: "El correo en un teléfono y en un ordenador",
		Plain: "Como texto sin formato", Header: "Encabezado", Invitation: "La invitación", NoInvitation: "Este correo no lleva invitación.", File: "Descargar el correo (.eml)",
		Texts: "Textos propios", TextsHint: "En palabras, con una línea vacía entre párrafos. Guardarlos no envía nada: aparecen en los correos que aún están por salir.",
		Introduction: "Introducción, en la confirmación", IntroductionHint: "Como máximo 4000 caracteres.", Note: "Nota, solo en este recordatorio", NoteHint: "Como máximo 4000 caracteres.",
		Placeholders: "Las palabras entre llaves se sustituyen:", SaveTexts: "Guardar los textos",
		Trial: "Enviárselo a usted", TrialHint: "Solo a esta dirección. El asunto dice que es una prueba, y sus enlaces no llevan a ninguna parte.", To: "Dirección", Send: "Enviar una prueba",
		TrialSent: "Se ha enviado una prueba a %s.", NotTaken: "El servidor de correo no lo ha aceptado (%s): %n", TooManyTrials: "Han sido muchas pruebas. Espere un minuto.",
		NotAllowed: "Este servicio no puede escribir a esa dirección (allow_recipients).", NoAddress: "Esto no es una dirección de correo.", Saved: "Los textos se han guardado.", Same: "No ha cambiado nada.",
		WrongText: "Algo en los textos aún no está bien. Todo lo que ha escrito sigue aquí.", WrongTime: "Escriba una fecha y una hora, por ejemplo 2026-11-25 15:00.",
		NoRule: "Ninguna regla del calendario envía un correo así.", NoTrouble: "Este evento no tiene ningún problema: este correo no tendría nada que decir.",
		TooLong: "El texto es demasiado largo para mostrarlo antes de guardarlo.", TheirsMore: "Si continúa, sus textos sustituyen a los de esa persona. Para empezar de nuevo con aquellos:",
	},
}
