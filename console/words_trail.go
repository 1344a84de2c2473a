package console

import "convened"

// trailWords are what the page of who did what says.
type trailWords struct {
	Intro, Nothing                         string
	When, Who, Did, Event, Registration    string
	Detail, Console, Command, Older, Newer string
	Deeds                                  map[string]string
}

var trailWordsIn = map[string]*trailWords{
	"en": {
		Intro:   "What was done, by whom, in the console and on the command line. Nothing here can be changed.",
		Nothing: "Nothing has been done yet.",
		When:    "When", Who: "Who", Did: "What", Event: "Event", Registration: "Registration", Detail: "Details",
		Console: "console", Command: "command line", Older: "Older entries", Newer: "Latest entries",
		Deeds: map[string]string{
			convened.EventMade: "event created", convened.EventChanged: "event changed", convened.EventCalledOff: "event cancelled",
			convened.RegistrationsAdded: "registrations added", convened.SeatGivenUp: "registration cancelled", convened.ConfirmationResent: "confirmation sent again", convened.AddressCorrected: "address corrected", convened.SeatMuted: "reminders stopped",
			convened.SeatUnmuted: "reminders resumed", convened.SeatChosen: "language and time zone set", convened.PersonErased: "person erased",
			convened.NoticesReleased: "letters released", convened.NoticesRetried: "letters tried again", convened.QuarantineEnded: "quarantine ended",
			convened.TestSent: "test letter sent", convened.RegistrantsExported: "registrants exported", convened.KeyRotated: "signing key replaced",
			convened.UserAdded: "user added", convened.UserChanged: "user changed", convened.UserRemoved: "user removed",
			convened.RoleGranted: "role granted", convened.RoleRevoked: "role withdrawn", convened.PasswordSet: "password set",
			convened.SignedIn: "signed in", convened.SignedOut: "signed out",
		},
	},
	"fr": {
		Intro:   "Ce qui a été fait, et par qui, dans la console et en ligne de commande. Rien ici ne peut être modifié.",
		Nothing: "Rien n’a encore été fait.",
		When:    "Quand", Who: "Qui", Did: "Quoi", Event: "Événement", Registration: "Inscription", Detail: "Détails",
		Console: "console", Command: "ligne de commande", Older: "Entrées plus anciennes", Newer: "Dernières entrées",
		Deeds: map[string]string{
			convened.EventMade: "événement créé", convened.EventChanged: "événement modifié", convened.EventCalledOff: "événement annulé",
			convened.RegistrationsAdded: "inscriptions ajoutées", convened.SeatGivenUp: "inscription annulée", convened.ConfirmationResent: "confirmation renvoyée", convened.AddressCorrected: "adresse corrigée", convened.SeatMuted: "rappels arrêtés",
			convened.SeatUnmuted: "rappels repris", convened.SeatChosen: "langue et fuseau horaire choisis", convened.PersonErased: "personne effacée",
			convened.NoticesReleased: "e-mails libérés", convened.NoticesRetried: "e-mails relancés", convened.QuarantineEnded: "quarantaine levée",
			convened.TestSent: "e-mail d’essai envoyé", convened.RegistrantsExported: "inscrits exportés", convened.KeyRotated: "clé de signature remplacée",
			convened.UserAdded: "compte ajouté", convened.UserChanged: "compte modifié", convened.UserRemoved: "compte supprimé",
			convened.RoleGranted: "rôle accordé", convened.RoleRevoked: "rôle retiré", convened.PasswordSet: "mot de passe défini",
			convened.SignedIn: "connexion", convened.SignedOut: "déconnexion",
		},
	},
	"es": {
		Intro:   "Qué se hizo y quién lo hizo, en la consola y en la línea de órdenes. Aquí no se puede cambiar nada.",
		Nothing: "Todavía no se ha hecho nada.",
		When:    "Cuándo", Who: "Quién", Did: "Qué", Event: "Evento", Registration: "Inscripción", Detail: "Detalles",
		Console: "consola", Command: "línea de órdenes", Older: "Entradas anteriores", Newer: "Últimas entradas",
		Deeds: map[string]string{
			convened.EventMade: "evento creado", convened.EventChanged: "evento modificado", convened.EventCalledOff: "evento cancelado",
			convened.RegistrationsAdded: "inscripciones añadidas", convened.SeatGivenUp: "inscripción cancelada", convened.ConfirmationResent: "confirmación reenviada", convened.AddressCorrected: "dirección corregida", convened.SeatMuted: "recordatorios detenidos",
			convened.SeatUnmuted: "recordatorios reanudados", convened.SeatChosen: "idioma y zona horaria elegidos", convened.PersonErased: "persona borrada",
			convened.NoticesReleased: "correos liberados", convened.NoticesRetried: "correos reintentados", convened.QuarantineEnded: "cuarentena terminada",
			convened.TestSent: "correo de prueba enviado", convened.RegistrantsExported: "inscritos exportados", convened.KeyRotated: "clave de firma sustituida",
			convened.UserAdded: "cuenta añadida", convened.UserChanged: "cuenta modificada", convened.UserRemoved: "cuenta eliminada",
			convened.RoleGranted: "permiso concedido", convened.RoleRevoked: "permiso retirado", convened.PasswordSet: "contraseña establecida",
			convened.SignedIn: "inicio de sesión", convened.SignedOut: "cierre de sesión",
		},
	},
}
