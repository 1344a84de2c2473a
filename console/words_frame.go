package console

// frameWords are what stands around every page of the console, and what a page says
// that can't be shown.
type frameWords struct {
	Skip, Console                                                             string
	Events, Overview, Schedule, Letters, Registrants, Failures, Held          string
	History                                                                   string
	MainNavigation, EventNavigation, ChooseLanguage                           string
	SignIn, SignOut, EmailAddress, Phrase, SignInNow, NotSignedIn, SignedInAs string
	OrWith, NotVouched                                                        string // %s: who lets people in
	CalledOff, Over, LooksOnly                                                string
	Save, Cancel, Continue, Back                                              string

	NotFound, NotFoundMore, Foreign, ForeignMore, LookOnly, LookOnlyMore   string
	TooMany, TooManyMore, Unavailable, UnavailableMore, Broken, BrokenMore string
	Unreadable, UnreadableMore                                             string
}

var frameWordsIn = map[string]*frameWords{
	"en": {
		Skip: "Skip to the content", Console: "Console",
		Events: "Events", Overview: "Overview", Schedule: "Schedule", Letters: "Letters", Registrants: "Registrants", Failures: "Failures", Held: "Held", History: "History",
		MainNavigation: "Main", EventNavigation: "This event", ChooseLanguage: "Language",
		SignIn: "Sign in", SignOut: "Sign out", EmailAddress: "E-mail address", Phrase: "Password", SignInNow: "Sign in",
		NotSignedIn: "No user has this address and this password.", SignedInAs: "Signed in as", OrWith: "Sign in with %s", NotVouched: "%s did not say who you are, or there is no user of your address. Whoever runs this service can make one.",
		CalledOff: "Cancelled", Over: "Over", LooksOnly: "You may look at this event, and change nothing.",
		Save: "Save", Cancel: "Cancel", Continue: "Continue", Back: "Back",
		NotFound: "There is no such page", NotFoundMore: "It may be an event that you were not given access to. Whoever runs this service can do so.",
		Foreign: "That did not come from this page", ForeignMore: "Nothing was changed. Open the page again, and press the button there.",
		LookOnly: "You may look, and change nothing", LookOnlyMore: "Nothing was changed. Whoever runs this service can let you edit this event.",
		TooMany: "Too many requests", TooManyMore: "Wait a minute, and try again.",
		Unavailable: "The database does not answer", UnavailableMore: "Nothing is lost: try again in a minute.",
		Broken: "Something went wrong", BrokenMore: "The fault is the program’s. Nothing is lost; the log says more.",
		Unreadable: "That could not be understood", UnreadableMore: "Nothing was changed. Open the page again.",
	},
	"fr": {
		Skip: "Aller au contenu", Console: "Console",
		Events: "Événements", Overview: "Vue d’ensemble", Schedule: "Calendrier", Letters: "E-mails", Registrants: "Inscrits", Failures: "Échecs", Held: "Retenus", History: "Historique",
		MainNavigation: "Principal", EventNavigation: "Cet événement", ChooseLanguage: "Langue",
		SignIn: "Se connecter", SignOut: "Se déconnecter", EmailAddress: "Adresse e-mail", Phrase: "Mot de passe", SignInNow: "Se connecter",
		NotSignedIn: "Aucun compte n’a cette adresse et ce mot de passe.", SignedInAs: "Connecté en tant que", OrWith: "Se connecter avec %s", NotVouched: "%s n’a pas dit qui vous êtes, ou votre adresse n’a pas de compte. La personne qui gère ce service peut en créer un.",
		CalledOff: "Annulé", Over: "Terminé", LooksOnly: "Vous pouvez consulter cet événement, sans rien modifier.",
		Save: "Enregistrer", Cancel: "Annuler", Continue: "Continuer", Back: "Retour",
		NotFound: "Cette page n’existe pas", NotFoundMore: "C’est peut-être un événement auquel vous n’avez pas accès. La personne qui gère ce service peut vous le donner.",
		Foreign: "Cette demande ne vient pas de cette page", ForeignMore: "Rien n’a été modifié. Ouvrez de nouveau la page et appuyez sur le bouton qui s’y trouve.",
		LookOnly: "Vous pouvez consulter, sans rien modifier", LookOnlyMore: "Rien n’a été modifié. La personne qui gère ce service peut vous permettre de modifier cet événement.",
		TooMany: "Trop de demandes", TooManyMore: "Patientez une minute, puis réessayez.",
		Unavailable: "La base de données ne répond pas", UnavailableMore: "Rien n’est perdu\u00a0: réessayez dans une minute.",
		Broken: "Une erreur s’est produite", BrokenMore: "Elle est du fait du programme. Rien n’est perdu\u00a0; le journal en dit plus.",
		Unreadable: "Cette demande n’a pas été comprise", UnreadableMore: "Rien n’a été modifié. Ouvrez de nouveau la page.",
	},
	"es": {
		Skip: "Ir al contenido", Console: "Consola",
		Events: "Eventos", Overview: "Resumen", Schedule: "Calendario", Letters: "Correos", Registrants: "Inscritos", Failures: "Fallos", Held: "Retenidos", History: "Historial",
		MainNavigation: "Principal", EventNavigation: "Este evento", ChooseLanguage: "Idioma",
		SignIn: "Iniciar sesión", SignOut: "Cerrar sesión", EmailAddress: "Dirección de correo", Phrase: "Contraseña", SignInNow: "Iniciar sesión",
		NotSignedIn: "Ninguna cuenta tiene esta dirección y esta contraseña.", SignedInAs: "Sesión iniciada como", OrWith: "Iniciar sesión con %s", NotVouched: "%s no ha dicho quién es usted, o su dirección no tiene cuenta. Quien administra este servicio puede crear una.",
		CalledOff: "Cancelado", Over: "Terminado", LooksOnly: "Puede consultar este evento, pero no cambiar nada.",
		Save: "Guardar", Cancel: "Cancelar", Continue: "Continuar", Back: "Volver",
		NotFound: "Esta página no existe", NotFoundMore: "Puede que sea un evento al que no tiene acceso. Quien administra este servicio puede dárselo.",
		Foreign: "Esta petición no viene de esta página", ForeignMore: "No se ha cambiado nada. Abra de nuevo la página y pulse allí el botón.",
		LookOnly: "Puede consultar, pero no cambiar nada", LookOnlyMore: "No se ha cambiado nada. Quien administra este servicio puede permitirle editar este evento.",
		TooMany: "Demasiadas peticiones", TooManyMore: "Espere un minuto y vuelva a intentarlo.",
		Unavailable: "La base de datos no responde", UnavailableMore: "No se ha perdido nada: inténtelo de nuevo dentro de un minuto.",
		Broken: "Algo ha fallado", BrokenMore: "El fallo es del programa. No se ha perdido nada; el registro dice más.",
		Unreadable: "No se ha entendido la petición", UnreadableMore: "No se ha cambiado nada. Abra de nuevo la página.",
	},
}
