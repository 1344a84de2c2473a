package console

import "convened"

// failureWords are what the pages of failures and of held letters say.
type failureWords struct {
	NoFailures                             string
	OneLetter, Letters, OnePerson, Persons string
	Least                                  string // before a number that is a bound
	Of                                     string // between letters and people
	Returned, Again, Waiting               string // after a number of letters
	WhatToDo, Examples, Latest             string
	TryAgain                               string
	Said, Colon                            string

	NoHeld, HeldIntro, Quarantined, QuarantineMore string
	Causes                                         map[convened.Cause]heldWords
	Release                                        string

	AskRelease, AskRetry, ReleaseNow, RetryNow string
	GetMail, NobodyGets                        string // %s: how many people
	Useless, Stay                              string
	MorePeople                                 string
	DidRelease, DidRetry                       string
}

// heldWords are what a reason to hold letters is, and what to do about it.
type heldWords struct{ What, Do string }

var failureWordsIn = map[string]*failureWords{
	"en": {
		NoFailures: "Nothing is known to have failed.",
		OneLetter:  "letter", Letters: "letters", OnePerson: "person", Persons: "people", Least: "at least", Of: "to",
		Returned: "taken by the server, and came back", Again: "tried again without your doing", Waiting: "held for your decision",
		WhatToDo: "What to do", Examples: "The latest", Latest: "last on", TryAgain: "Try these letters again", Said: "What was said", Colon: ":",
		NoHeld: "Nothing is held.", HeldIntro: "These letters wait for you to decide. Nothing is lost meanwhile.",
		Quarantined: "Nothing at all is sent", QuarantineMore: "The database may be a copy of another that is being served. Whoever runs convened ends that with “convened notices release --quarantine”.",
		Causes: map[convened.Cause]heldWords{
			convened.CauseFuse:      {"Very many registrations at once", "More confirmations were due within an hour than this service lets through unseen. If so many people did register, release them. If a script or a robot did, don’t: remove its registrations first."},
			convened.CauseBackfill:  {"Registrations older than the event", "They were probably copied from another system, and those people may have been confirmed there. Release them if everybody should get a confirmation from here."},
			convened.CauseOver:      {"Registrations after the event", "They came when the event was over. There is little to confirm; releasing them sends nothing once the event has ended."},
			convened.CauseRecipient: {"Addresses that this system may not write to", "allow_recipients in the configuration does not name them: this is a test system. They stay held until it does."},
			convened.CauseDoubt:     {"In doubt", "The connection broke off at the very end, several times: these letters may have arrived. Release them if a second copy is better than perhaps none."},
		},
		Release:    "Release",
		AskRelease: "Send these letters?", AskRetry: "Try these letters again?", ReleaseNow: "Send them", RetryNow: "Try again",
		GetMail: "Mail goes to %s.", NobodyGets: "Nobody gets mail.", Useless: "cancelled, not sent", Stay: "left as they are",
		MorePeople: "More people than before would get mail by now. Please look again.",
		DidRelease: "The letters are released and go out now.", DidRetry: "The letters are tried again now.",
	},
	"fr": {
		NoFailures: "Aucun échec n’est connu.",
		OneLetter:  "e-mail", Letters: "e-mails", OnePerson: "personne", Persons: "personnes", Least: "au moins", Of: "pour",
		Returned: "retour après acceptation par le serveur", Again: "nouvel essai automatique", Waiting: "en attente de votre décision",
		WhatToDo: "Que faire", Examples: "Les derniers", Latest: "le dernier le", TryAgain: "Réessayer ces envois", Said: "Ce qui a été dit", Colon: "\u00a0:",
		NoHeld: "Rien n’est retenu.", HeldIntro: "Ces e-mails attendent votre décision. Rien n’est perdu d’ici là.",
		Quarantined: "Plus rien ne part", QuarantineMore: "La base de données est peut-être une copie d’une autre, déjà en service. Qui gère convened y met fin par «\u00a0convened notices release --quarantine\u00a0».",
		Causes: map[convened.Cause]heldWords{
			convened.CauseFuse:      {"Très nombreuses inscriptions à la fois", "Plus de confirmations étaient dues en une heure que ce service n’en laisse passer sans contrôle. Si tant de personnes se sont inscrites, libérez-les. Si c’est un robot, non\u00a0: retirez d’abord ses inscriptions."},
			convened.CauseBackfill:  {"Inscriptions antérieures à l’événement", "Elles ont sans doute été copiées d’un autre système, où ces personnes ont peut-être été confirmées. Libérez-les si chacune doit recevoir une confirmation d’ici."},
			convened.CauseOver:      {"Inscriptions après l’événement", "Elles sont arrivées une fois l’événement terminé. Il n’y a guère à confirmer\u00a0; les libérer n’envoie rien après la fin."},
			convened.CauseRecipient: {"Adresses interdites à ce système", "allow_recipients, dans la configuration, ne les nomme pas\u00a0: c’est un système d’essai. Elles restent retenues d’ici là."},
			convened.CauseDoubt:     {"Dans le doute", "La connexion a été coupée tout à la fin, plusieurs fois\u00a0: ces e-mails sont peut-être arrivés. Libérez-les si un double vaut mieux que, peut-être, rien."},
		},
		Release:    "Libérer",
		AskRelease: "Envoyer ces e-mails\u00a0?", AskRetry: "Réessayer ces envois\u00a0?", ReleaseNow: "Envoyer", RetryNow: "Réessayer",
		GetMail: "Un e-mail part à %s.", NobodyGets: "Personne ne reçoit d’e-mail.", Useless: "annulation, sans envoi", Stay: "sans changement",
		MorePeople: "Entre-temps, plus de personnes recevraient un e-mail. Vérifiez de nouveau.",
		DidRelease: "Les e-mails sont libérés et partent.", DidRetry: "Les envois sont relancés.",
	},
	"es": {
		NoFailures: "No se conoce ningún fallo.",
		OneLetter:  "correo", Letters: "correos", OnePerson: "persona", Persons: "personas", Least: "al menos", Of: "para",
		Returned: "devolución tras aceptarlo el servidor", Again: "reintento automático", Waiting: "a la espera de su decisión",
		WhatToDo: "Qué hacer", Examples: "Los últimos", Latest: "el último el", TryAgain: "Reintentar estos envíos", Said: "Lo que se dijo", Colon: ":",
		NoHeld: "No hay nada retenido.", HeldIntro: "Estos correos esperan su decisión. Entretanto no se pierde nada.",
		Quarantined: "No sale absolutamente nada", QuarantineMore: "La base de datos puede ser copia de otra que está en servicio. Quien gestiona convened lo termina con «convened notices release --quarantine».",
		Causes: map[convened.Cause]heldWords{
			convened.CauseFuse:      {"Muchísimas inscripciones a la vez", "En una hora tocaban más confirmaciones de las que este servicio deja pasar sin mirar. Si de verdad se inscribió tanta gente, libérelas. Si fue un robot, no: retire antes sus inscripciones."},
			convened.CauseBackfill:  {"Inscripciones anteriores al evento", "Seguramente se copiaron de otro sistema, y allí quizá ya se confirmaron. Libérelas si todas deben recibir una confirmación desde aquí."},
			convened.CauseOver:      {"Inscripciones después del evento", "Llegaron cuando el evento había terminado. Hay poco que confirmar; liberarlas no envía nada después del final."},
			convened.CauseRecipient: {"Direcciones a las que este sistema no puede escribir", "allow_recipients, en la configuración, no las nombra: es un sistema de pruebas. Siguen retenidas hasta que lo haga."},
			convened.CauseDoubt:     {"En duda", "La conexión se cortó al final, varias veces: estos correos pueden haber llegado. Libérelos si un duplicado es mejor que, quizá, ninguno."},
		},
		Release:    "Liberar",
		AskRelease: "¿Enviar estos correos?", AskRetry: "¿Reintentar estos envíos?", ReleaseNow: "Enviar", RetryNow: "Reintentar",
		GetMail: "Sale correo a %s.", NobodyGets: "Nadie recibe correo.", Useless: "cancelación, sin envío", Stay: "sin cambios",
		MorePeople: "Entretanto recibirían correo más personas. Mire de nuevo.",
		DidRelease: "Los correos están liberados y salen ahora.", DidRetry: "Los envíos se reintentan ahora.",
	},
}
