package console

import (
	"net/http"
	"slices"
	"strings"

	"convened"
)

// words are what the registrants' pages say, in one language. %s is what the
// comment names; everything else is said as it stands.
type words struct {
	// How things stand: the line above the title.
	Registered, UnderWay, Over, Off, Left string

	// What follows from that.
	BeginsIn string // %s: when, such as "in 3 days"
	Begun    string
	BegunIn  string // and there is a link
	OffMore  string
	LeftMore string

	// How to come back.
	Again, AgainHere, AgainPage, AgainWrite, AgainSame string

	// The labels of the details, and what stands after one in a sentence.
	Colon                                             string
	When, Yours, Spoken, Where, Page, Organizer, Name string

	Join, JoinHint, JoinLater       string
	Calendar, File                  string
	Subscribe, SubscribeHint        string // the calendar of all that one is registered for
	FeedName                        string
	About                           string
	YourRegistration                string // heading over what can be changed
	Reminders, Mails, On, Muted     string
	OnHint, MutedHint, Mute, Unmute string
	// The same after the end, when one mail may still come.
	AfterOn, AfterMuted, AfterMute, AfterUnmute string
	Choices, ChoicesHint                        string
	InLanguage, InZone                          string
	AsEvent                                     string // %s: the zone's name
	Save                                        string
	CannotCome, Declined, Cancel                string // Declined: said no in a calendar, and has the seat
	Questions                                   string
	Private                                     string

	// What the last click did.
	DidMute, DidUnmute, DidSave string

	// The page that asks before a seat is given up.
	CancelTitle, CancelAsk, CancelMore, CancelNow, CancelNot string

	// The page that asks before reminders are stopped, and the one that says so.
	MuteTitle    string
	MuteAsk      string
	AlreadyMuted string
	MutedTitle   string
	Back         string

	// The page where the link to join will be.
	JoinTitle, JoinNotYet, JoinPlace, JoinAgain string

	// Pages that can't be shown.
	NotFound, NotFoundMore       string
	Foreign, ForeignMore         string
	TooMany, TooManyMore         string
	Unavailable, UnavailableMore string
	Broken, BrokenMore           string
	Unreadable, UnreadableMore   string
}

// wordsIn are the words of each language that letters are written in.
var wordsIn = map[string]*words{
	"en": {
		Colon:            ":",
		Registered:       "You are registered",
		UnderWay:         "Under way",
		Over:             "This event is over",
		Off:              "Event cancelled",
		Left:             "Registration cancelled",
		BeginsIn:         "The event starts %s.",
		Begun:            "The event is already under way.",
		BegunIn:          "The event is already under way, and you can join right now.",
		OffMore:          "We are sorry: this event will not take place. There is nothing you need to do. If your calendar still shows the event, you can delete it there.",
		LeftMore:         "Your seat has been released, and you will get no more reminders. If your calendar still shows the event, you can delete it there.",
		Again:            "Changed your mind?",
		AgainHere:        "Register again",
		AgainPage:        "Register again on the event page",
		AgainWrite:       "Write to the organiser",
		AgainSame:        "Register again in the same way as the first time.",
		When:             "When",
		Yours:            "Your time",
		Spoken:           "Language",
		Where:            "Where",
		Page:             "Event page",
		Organizer:        "Organiser",
		Name:             "Registered",
		Join:             "Join the event",
		JoinHint:         "This button always leads to where the event takes place, even if the link changes.",
		JoinLater:        "The link to join will follow in a later e-mail, and will appear here.",
		Calendar:         "Add to your calendar",
		File:             "Calendar file",
		Subscribe:        "Subscribe to your calendar",
		SubscribeHint:    "It holds everything that you are registered for here, and follows every change. Its address is for you alone.",
		FeedName:         "My events",
		About:            "About this event",
		YourRegistration: "Your registration",
		Reminders:        "Reminders",
		Mails:            "E-mails",
		On:               "You get reminders by e-mail before the start.",
		Muted:            "You get no more reminders for this event.",
		OnHint:           "Without them you keep your seat, and we still write to you if the event is moved or cancelled.",
		MutedHint:        "You keep your seat, and we still write to you if the event is moved or cancelled.",
		AfterOn:          "You may get one more e-mail about this event.",
		AfterMuted:       "You get no more e-mails about this event.",
		AfterMute:        "No more e-mails",
		AfterUnmute:      "Send it after all",
		Mute:             "Stop the reminders",
		Unmute:           "Send reminders again",
		Choices:          "Language and time zone",
		ChoicesHint:      "For this page and for the e-mails to come.",
		InLanguage:       "Language",
		InZone:           "Time zone",
		AsEvent:          "As the event: %s",
		Save:             "Save",
		CannotCome:       "Unable to come after all?",
		Declined:         "In your calendar you declined the invitation. Your seat is still reserved; if you no longer need it, please give it up.",
		Cancel:           "Cancel your registration",
		Questions:        "Any questions? Write to",
		Private:          "Whoever has the address of this page can change your registration: please do not pass it on.",
		DidMute:          "The reminders are stopped. You keep your seat.",
		DidUnmute:        "You will get reminders again.",
		DidSave:          "Your choice is saved.",
		CancelTitle:      "Cancel your registration?",
		CancelAsk:        "Your seat at this event will be released:",
		CancelMore:       "You will get an e-mail that takes the event out of your calendar, and no more reminders.",
		CancelNow:        "Cancel my registration",
		CancelNot:        "No, keep my seat",
		MuteTitle:        "Stop the reminders?",
		MuteAsk:          "You will get no more reminders for this event:",
		AlreadyMuted:     "You get no more reminders for this event:",
		MutedTitle:       "The reminders are stopped",
		Back:             "See your registration",
		JoinTitle:        "The link is not here yet",
		JoinNotYet:       "The link to join will follow in a later e-mail. As soon as the organiser has given it, this page leads there.",
		JoinPlace:        "This event has no link to join.",
		JoinAgain:        "Try again",
		NotFound:         "This link does not work",
		NotFoundMore:     "It may have been cut off, or be too old. Please open it from your e-mail once more, all of it.",
		Foreign:          "That did not come from this page",
		ForeignMore:      "Nothing was changed. Please open the link in your e-mail, and press the button there.",
		TooMany:          "Too many requests",
		TooManyMore:      "Please wait a minute, and then try again.",
		Unavailable:      "Just a moment",
		UnavailableMore:  "Your registration can’t be reached right now. Nothing is lost: please try again in a minute.",
		Broken:           "Something went wrong",
		BrokenMore:       "The fault is ours. Nothing is lost: please try again later.",
		Unreadable:       "That could not be understood",
		UnreadableMore:   "Nothing was changed. Please open the link in your e-mail once more.",
	},
	"fr": {
		Colon:            "\u00a0:",
		Registered:       "Votre place est réservée",
		UnderWay:         "En cours",
		Over:             "Cet événement est terminé",
		Off:              "Événement annulé",
		Left:             "Inscription annulée",
		BeginsIn:         "L’événement commence %s.",
		Begun:            "L’événement a déjà commencé.",
		BegunIn:          "L’événement a déjà commencé\u00a0; vous pouvez le rejoindre dès maintenant.",
		OffMore:          "Nous sommes désolés\u00a0: cet événement n’aura pas lieu. Vous n’avez rien à faire. Si votre agenda affiche encore l’événement, vous pouvez l’y supprimer.",
		LeftMore:         "Votre place a été libérée et vous ne recevrez plus de rappels. Si votre agenda affiche encore l’événement, vous pouvez l’y supprimer.",
		Again:            "Vous avez changé d’avis\u00a0?",
		AgainHere:        "Vous inscrire de nouveau",
		AgainPage:        "Vous inscrire de nouveau sur la page de l’événement",
		AgainWrite:       "Écrire aux organisateurs",
		AgainSame:        "Inscrivez-vous de nouveau, comme la première fois.",
		When:             "Quand",
		Yours:            "Chez vous",
		Spoken:           "Langue",
		Where:            "Lieu",
		Page:             "Page web",
		Organizer:        "Organisation",
		Name:             "Au nom de",
		Join:             "Rejoindre l’événement",
		JoinHint:         "Ce bouton mène toujours au bon endroit, même si le lien change.",
		JoinLater:        "Le lien pour participer vous sera envoyé ultérieurement et apparaîtra ici.",
		Calendar:         "Ajouter à votre agenda",
		File:             "Fichier d’agenda",
		Subscribe:        "S’abonner à votre agenda",
		SubscribeHint:    "Il contient toutes vos inscriptions faites ici et suit chaque changement. Son adresse n’est que pour vous.",
		FeedName:         "Mes événements",
		About:            "À propos de l’événement",
		YourRegistration: "Votre inscription",
		Reminders:        "Rappels",
		Mails:            "Messages",
		On:               "Vous recevez des rappels par e-mail avant le début.",
		Muted:            "Vous ne recevez plus de rappels pour cet événement.",
		OnHint:           "Sans eux, vous gardez votre place et nous vous écrivons tout de même si l’événement est déplacé ou annulé.",
		MutedHint:        "Vous gardez votre place et nous vous écrivons tout de même si l’événement est déplacé ou annulé.",
		AfterOn:          "Vous recevrez peut-être encore un e-mail à propos de cet événement.",
		AfterMuted:       "Vous ne recevez plus d’e-mails à propos de cet événement.",
		AfterMute:        "Ne plus recevoir d’e-mails",
		AfterUnmute:      "Le recevoir quand même",
		Mute:             "Ne plus recevoir de rappels",
		Unmute:           "Recevoir de nouveau des rappels",
		Choices:          "Langue et fuseau horaire",
		ChoicesHint:      "Pour cette page et pour les prochains e-mails.",
		InLanguage:       "Langue",
		InZone:           "Fuseau horaire",
		AsEvent:          "Comme l’événement\u00a0: %s",
		Save:             "Enregistrer",
		CannotCome:       "Vous ne pouvez plus participer\u00a0?",
		Declined:         "Dans votre agenda, vous avez décliné l’invitation. Votre place est toujours réservée\u00a0; si vous n’en avez plus besoin, merci de la libérer.",
		Cancel:           "Annuler votre inscription",
		Questions:        "Une question\u00a0? Écrivez à",
		Private:          "Quiconque a l’adresse de cette page peut modifier votre inscription\u00a0: merci de ne pas la transmettre.",
		DidMute:          "Vous ne recevrez plus de rappels. Vous gardez votre place.",
		DidUnmute:        "Vous recevrez de nouveau des rappels.",
		DidSave:          "Votre choix est enregistré.",
		CancelTitle:      "Annuler votre inscription\u00a0?",
		CancelAsk:        "Votre place à cet événement sera libérée\u00a0:",
		CancelMore:       "Vous recevrez un e-mail qui retire l’événement de votre agenda, et plus aucun rappel.",
		CancelNow:        "Annuler mon inscription",
		CancelNot:        "Non, garder ma place",
		MuteTitle:        "Ne plus recevoir de rappels\u00a0?",
		MuteAsk:          "Vous ne recevrez plus de rappels pour cet événement\u00a0:",
		AlreadyMuted:     "Vous ne recevez plus de rappels pour cet événement\u00a0:",
		MutedTitle:       "Vous ne recevrez plus de rappels",
		Back:             "Consulter votre inscription",
		JoinTitle:        "Le lien n’est pas encore là",
		JoinNotYet:       "Le lien pour participer vous sera envoyé ultérieurement. Dès que les organisateurs l’auront donné, cette page y mènera.",
		JoinPlace:        "Cet événement n’a pas de lien pour participer à distance.",
		JoinAgain:        "Réessayer",
		NotFound:         "Ce lien ne fonctionne pas",
		NotFoundMore:     "Il a pu être coupé, ou être trop ancien. Ouvrez-le de nouveau depuis votre e-mail, en entier.",
		Foreign:          "Cette demande ne vient pas de cette page",
		ForeignMore:      "Rien n’a été modifié. Ouvrez le lien de votre e-mail et appuyez sur le bouton qui s’y trouve.",
		TooMany:          "Trop de demandes",
		TooManyMore:      "Patientez une minute, puis réessayez.",
		Unavailable:      "Un instant",
		UnavailableMore:  "Votre inscription n’est pas accessible pour le moment. Rien n’est perdu\u00a0: réessayez dans une minute.",
		Broken:           "Une erreur s’est produite",
		BrokenMore:       "Elle est de notre fait. Rien n’est perdu\u00a0: réessayez plus tard.",
		Unreadable:       "Cette demande n’a pas été comprise",
		UnreadableMore:   "Rien n’a été modifié. Ouvrez de nouveau le lien de votre e-mail.",
	},
	"es": {
		Colon:            ":",
		Registered:       "Su plaza está reservada",
		UnderWay:         "En curso",
		Over:             "Este evento ha terminado",
		Off:              "Evento cancelado",
		Left:             "Inscripción cancelada",
		BeginsIn:         "El evento comienza %s.",
		Begun:            "El evento ya ha comenzado.",
		BegunIn:          "El evento ya ha comenzado; puede unirse ahora mismo.",
		OffMore:          "Lo sentimos: este evento no tendrá lugar. No tiene que hacer nada. Si su calendario todavía muestra el evento, puede eliminarlo de él.",
		LeftMore:         "Su plaza ha quedado libre y no recibirá más recordatorios. Si su calendario todavía muestra el evento, puede eliminarlo de él.",
		Again:            "¿Ha cambiado de opinión?",
		AgainHere:        "Inscribirse de nuevo",
		AgainPage:        "Inscribirse de nuevo en la página del evento",
		AgainWrite:       "Escribir a quien organiza",
		AgainSame:        "Inscríbase de nuevo, como la primera vez.",
		When:             "Cuándo",
		Yours:            "Su hora",
		Spoken:           "Idioma",
		Where:            "Lugar",
		Page:             "Página web",
		Organizer:        "Organiza",
		Name:             "A nombre de",
		Join:             "Unirse al evento",
		JoinHint:         "Este botón lleva siempre al lugar correcto, aunque cambie el enlace.",
		JoinLater:        "Le enviaremos el enlace para participar más adelante; también aparecerá aquí.",
		Calendar:         "Añadir a su calendario",
		File:             "Archivo de calendario",
		Subscribe:        "Suscribirse a su calendario",
		SubscribeHint:    "Contiene todas sus inscripciones hechas aquí y sigue cada cambio. Su dirección es solo para usted.",
		FeedName:         "Mis eventos",
		About:            "Acerca del evento",
		YourRegistration: "Su inscripción",
		Reminders:        "Recordatorios",
		Mails:            "Correos",
		On:               "Recibe recordatorios por correo antes del comienzo.",
		Muted:            "No recibe más recordatorios de este evento.",
		OnHint:           "Sin ellos conserva su plaza, y aun así le escribimos si el evento cambia de fecha o se cancela.",
		MutedHint:        "Conserva su plaza, y aun así le escribimos si el evento cambia de fecha o se cancela.",
		AfterOn:          "Es posible que reciba un correo más sobre este evento.",
		AfterMuted:       "No recibe más correos sobre este evento.",
		AfterMute:        "No recibir más correos",
		AfterUnmute:      "Recibirlo de todos modos",
		Mute:             "Dejar de recibir recordatorios",
		Unmute:           "Volver a recibir recordatorios",
		Choices:          "Idioma y zona horaria",
		ChoicesHint:      "Para esta página y para los próximos correos.",
		InLanguage:       "Idioma",
		InZone:           "Zona horaria",
		AsEvent:          "Como el evento: %s",
		Save:             "Guardar",
		CannotCome:       "¿Ya no puede asistir?",
		Declined:         "En su calendario rechazó la invitación. Su plaza sigue reservada; si ya no la necesita, le rogamos que la libere.",
		Cancel:           "Cancelar su inscripción",
		Questions:        "¿Tiene alguna pregunta? Escriba a",
		Private:          "Quien tenga la dirección de esta página puede modificar su inscripción: por favor, no la comparta.",
		DidMute:          "No recibirá más recordatorios. Conserva su plaza.",
		DidUnmute:        "Volverá a recibir recordatorios.",
		DidSave:          "Su elección se ha guardado.",
		CancelTitle:      "¿Cancelar su inscripción?",
		CancelAsk:        "Su plaza en este evento quedará libre:",
		CancelMore:       "Recibirá un correo que retira el evento de su calendario, y ningún recordatorio más.",
		CancelNow:        "Cancelar mi inscripción",
		CancelNot:        "No, conservar mi plaza",
		MuteTitle:        "¿Dejar de recibir recordatorios?",
		MuteAsk:          "No recibirá más recordatorios de este evento:",
		AlreadyMuted:     "No recibe más recordatorios de este evento:",
		MutedTitle:       "No recibirá más recordatorios",
		Back:             "Consultar su inscripción",
		JoinTitle:        "El enlace todavía no está",
		JoinNotYet:       "Le enviaremos el enlace para participar más adelante. En cuanto quien organiza lo haya dado, esta página llevará a él.",
		JoinPlace:        "Este evento no tiene enlace para participar a distancia.",
		JoinAgain:        "Intentar de nuevo",
		NotFound:         "Este enlace no funciona",
		NotFoundMore:     "Puede que esté cortado o que sea demasiado antiguo. Ábralo de nuevo desde su correo, completo.",
		Foreign:          "Esta petición no viene de esta página",
		ForeignMore:      "No se ha cambiado nada. Abra el enlace de su correo y pulse allí el botón.",
		TooMany:          "Demasiadas peticiones",
		TooManyMore:      "Espere un minuto y vuelva a intentarlo.",
		Unavailable:      "Un momento",
		UnavailableMore:  "En este momento no se puede acceder a su inscripción. No se ha perdido nada: inténtelo de nuevo dentro de un minuto.",
		Broken:           "Algo ha fallado",
		BrokenMore:       "El fallo es nuestro. No se ha perdido nada: inténtelo de nuevo más tarde.",
		Unreadable:       "No se ha entendido la petición",
		UnreadableMore:   "No se ha cambiado nada. Abra de nuevo el enlace de su correo.",
	},
}

// languageNames are the languages of the letters, as those who read them call
// them.
var languageNames = map[string]string{"en": "English", "fr": "Français", "es": "Español"}

// languageOf returns the language of a page about nobody: the first that the
// browser asks for and that there is, else English.
func languageOf(r *http.Request) string {
	l, _ := askedLanguage(r)
	return l
}

// askedLanguage is languageOf, and says whether the browser asks for it.
func askedLanguage(r *http.Request) (language string, asked bool) {
	for item := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(item, ";")
		if l := convened.BaseLanguage(tag); slices.Contains(convened.Languages(), l) {
			return l, true
		}
	}
	return convened.Languages()[0], false
}
