package console

import (
	"convened"
	"convened/address"
	"convened/scheduler"
	"convened/store"
)

// registrantWords are what the list of registrants and one person's story say.
type registrantWords struct {
	Search, SearchHint, Which, Everybody, Find, All string
	OnePerson, Persons, More                        string
	Nobody, NobodyFound                             string
	Older, Newest                                   string

	Person, Standing, Sent, Error, Registered   string
	Email, Name, Letters, Zone, AsEvent, Source string
	Number, NoName                              string
	Standings                                   map[store.Standing]string
	Conditions                                  map[store.Condition]string
	Confirmations                               map[convened.State]string

	Story, NoStory, For, Mail, Outcome, When, Why, ServerSaid string
	Arriving                                                  string
	Kinds                                                     map[convened.Kind]string
	Verdicts                                                  map[scheduler.Verdict]string
	Tries                                                     map[convened.State]string
	CameBack, NoWords                                         string
	Returned                                                  map[convened.ReturnKind]string
	Done                                                      string // heading over what organisers did
	CorrectedTo, CorrectedFrom                                string // before the other address
	By                                                        string

	Mend, Resend, Correct, Leave       string // heading, and the buttons
	ResendHint, CorrectHint, LeaveHint string
	AskResend, AskCorrect, AskLeave    string
	ResendNow, CorrectNow, LeaveNow    string
	CorrectMore, RightAddress          string
	DidResend, DidCorrect, DidCancel   string
	NoAddress                          string
	Obstacles                          map[store.Obstacle]string
	Reasons                            reasons // of mails that did or did not go out
}

// reasons are the phrases of scheduler.Line.Why in another language, by how they
// begin in English. In English they are said as they are.
type reasons map[string]string

// addressFault says what is wrong with the right address of somebody; "" nothing.
func (w *registrantWords) addressFault(one *store.Person, to string) string {
	if _, err := address.Parse(to); err != nil {
		return w.NoAddress
	}
	if address.Key(to) == address.Key(one.Email) {
		return w.Obstacles[store.SameAddress]
	}
	return ""
}

var registrantWordsIn = map[string]*registrantWords{
	"en": {
		Search: "Search", SearchHint: "A part of a name or an address. Case and accents do not matter.", Which: "Which", Everybody: "everybody", Find: "Search", All: "Show all",
		OnePerson: "person", Persons: "people", More: "more follow", Nobody: "Nobody has registered yet.", NobodyFound: "Nobody is found.", Older: "Earlier registrations", Newest: "Latest registrations",
		Person: "Person", Standing: "Standing", Sent: "Letters", Error: "The server said", Registered: "Registered",
		Email: "Address", Name: "Name", Letters: "Language", Zone: "Time zone", AsEvent: "as the event", Source: "Reference of the form", Number: "Number", NoName: "no name",
		Standings: map[store.Standing]string{store.IsRegistered: "registered", store.IsWaiting: "just arrived", store.HasFailed: "with a letter that failed or is held", store.IsRefused: "with an address that does not work",
			store.IsMuted: "with reminders stopped", store.HasDeclined: "declined in a calendar", store.HasLeft: "cancelled"},
		Conditions: map[store.Condition]string{store.WasErased: "erased", store.WasCorrected: "address corrected", store.GaveUpSeat: "cancelled", store.AddressRefused: "address does not work", store.NotPlannedYet: "just arrived",
			store.DeclinedInvite: "declined in the calendar, seat kept", store.RemindersMuted: "confirmed, reminders stopped", store.IsConfirmed: "confirmed"},
		Confirmations: map[convened.State]string{"": "not confirmed", convened.Planned: "confirmation on its way", convened.Claimed: "confirmation on its way", convened.Unknown: "confirmation in doubt", convened.Refused: "confirmation refused",
			convened.Held: "confirmation held", convened.Cancelled: "not confirmed"},
		Story: "Every mail, and why", NoStory: "There is nothing to tell: the personal data was erased.", For: "For", Mail: "Mail", Outcome: "Outcome", When: "When", Why: "Why", ServerSaid: "The server said",
		Arriving: "The registration has just arrived; the daemon sees to it at its next look.",
		Kinds:    map[convened.Kind]string{convened.Confirmation: "Confirmation", convened.ReminderKind: "Reminder", convened.Update: "Update", convened.Cancellation: "Cancellation", convened.Followup: "Follow-up", convened.Preflight: "Warning to the organiser"},
		Verdicts: map[scheduler.Verdict]string{scheduler.Did: "sent", scheduler.DidNot: "not sent", scheduler.Will: "will be sent", scheduler.WillNot: "will not be sent", scheduler.Held: "held"},
		Tries:    map[convened.State]string{convened.Planned: "tried again later", convened.Refused: "refused", convened.Unknown: "in doubt", convened.Cancelled: "cancelled", convened.Held: "held", convened.Claimed: "under way"},
		CameBack: "What came back", NoWords: "no words",
		Returned: map[convened.ReturnKind]string{convened.HardBounce: "undeliverable", convened.SoftBounce: "delayed", convened.OddBounce: "undeliverable, perhaps", convened.Receipt: "arrived", convened.Complaint: "called spam", convened.AnswerGiven: "answer from a calendar"},
		Done:     "What organisers did", CorrectedTo: "The address was corrected to", CorrectedFrom: "Registered as the correction of", By: "by",
		Mend: "What can be done", Resend: "Send the confirmation again", Correct: "Correct the address", Leave: "Cancel the registration",
		ResendHint: "With the invitation, to the same address.", CorrectHint: "For a mistyped one.", LeaveHint: "The person gets a cancellation.",
		AskResend: "Send the confirmation once more to", AskCorrect: "Correct the address", AskLeave: "Cancel the registration of",
		ResendNow: "Send it again", CorrectNow: "Correct the address", LeaveNow: "Cancel the registration",
		CorrectMore:  "The right address gets a new registration and its confirmation. The wrong one gets nothing further, not even a cancellation, and the links in letters that it got before do not lead to the new registration.",
		RightAddress: "The right address", DidResend: "The confirmation goes out once more.", DidCorrect: "The address is corrected. The confirmation goes to the right one.", DidCancel: "The registration is cancelled.",
		NoAddress: "This is not an e-mail address.",
		Obstacles: map[store.Obstacle]string{store.EventOff: "The event is cancelled: nothing is sent any more.", store.EventOver: "The event is over: nothing is sent any more.", store.SeatLeft: "The registration was cancelled. Who wants to come after all registers again.",
			store.NotPlanned: "The registration has just arrived. Try again in a moment.", store.Underway: "A confirmation is on its way already.", store.HeldBack: "The confirmation is held. Release it instead.",
			store.SentSince: "A confirmation was sent again meanwhile. Nothing was done.", store.NoAddress: "This is no address that mail could go to. Correct it instead.", store.SameAddress: "That is the address that it has already."},
	},
	"fr": {
		Search: "Rechercher", SearchHint: "Une partie du nom ou de l’adresse. Majuscules et accents n’importent pas.", Which: "Lesquels", Everybody: "tout le monde", Find: "Rechercher", All: "Tout afficher",
		OnePerson: "personne", Persons: "personnes", More: "la suite ci-dessous", Nobody: "Personne ne s’est encore inscrit.", NobodyFound: "Personne ne correspond.", Older: "Inscriptions antérieures", Newest: "Dernières inscriptions",
		Person: "Personne", Standing: "État", Sent: "E-mails", Error: "Réponse du serveur", Registered: "Inscription",
		Email: "Adresse", Name: "Nom", Letters: "Langue", Zone: "Fuseau horaire", AsEvent: "comme l’événement", Source: "Référence du formulaire", Number: "Numéro", NoName: "sans nom",
		Standings: map[store.Standing]string{store.IsRegistered: "inscrits", store.IsWaiting: "à peine arrivés", store.HasFailed: "avec un e-mail échoué ou retenu", store.IsRefused: "avec une adresse qui ne fonctionne pas",
			store.IsMuted: "sans rappels", store.HasDeclined: "ont décliné dans l’agenda", store.HasLeft: "annulés"},
		Conditions: map[store.Condition]string{store.WasErased: "effacé", store.WasCorrected: "adresse corrigée", store.GaveUpSeat: "annulé", store.AddressRefused: "adresse inutilisable", store.NotPlannedYet: "à peine arrivé",
			store.DeclinedInvite: "a décliné dans l’agenda, garde sa place", store.RemindersMuted: "confirmé, sans rappels", store.IsConfirmed: "confirmé"},
		Confirmations: map[convened.State]string{"": "non confirmé", convened.Planned: "confirmation en route", convened.Claimed: "confirmation en route", convened.Unknown: "confirmation dans le doute", convened.Refused: "confirmation refusée",
			convened.Held: "confirmation retenue", convened.Cancelled: "non confirmé"},
		Story: "Chaque e-mail, et pourquoi", NoStory: "Il n’y a rien à raconter\u00a0: les données personnelles ont été effacées.", For: "Pour", Mail: "E-mail", Outcome: "Résultat", When: "Quand", Why: "Pourquoi", ServerSaid: "Réponse du serveur",
		Arriving: "L’inscription vient d’arriver\u00a0; le service s’en occupe d’ici peu.",
		Kinds:    map[convened.Kind]string{convened.Confirmation: "Confirmation", convened.ReminderKind: "Rappel", convened.Update: "Mise à jour", convened.Cancellation: "Annulation", convened.Followup: "Suite", convened.Preflight: "Avertissement aux organisateurs"},
		Verdicts: map[scheduler.Verdict]string{scheduler.Did: "envoyé", scheduler.DidNot: "non envoyé", scheduler.Will: "sera envoyé", scheduler.WillNot: "ne sera pas envoyé", scheduler.Held: "retenu"},
		Tries:    map[convened.State]string{convened.Planned: "réessayé plus tard", convened.Refused: "refusé", convened.Unknown: "dans le doute", convened.Cancelled: "annulé", convened.Held: "retenu", convened.Claimed: "en cours"},
		CameBack: "Ce qui est revenu", NoWords: "sans explication",
		Returned: map[convened.ReturnKind]string{convened.HardBounce: "non distribuable", convened.SoftBounce: "retardé", convened.OddBounce: "peut-être non distribuable", convened.Receipt: "arrivé", convened.Complaint: "signalé comme indésirable", convened.AnswerGiven: "réponse d’un agenda"},
		Done:     "Ce qu’ont fait les organisateurs", CorrectedTo: "L’adresse a été corrigée en", CorrectedFrom: "Inscrit en correction de", By: "par",
		Mend: "Ce que vous pouvez faire", Resend: "Renvoyer la confirmation", Correct: "Corriger l’adresse", Leave: "Annuler l’inscription",
		ResendHint: "Avec l’invitation, à la même adresse.", CorrectHint: "En cas de faute de frappe.", LeaveHint: "La personne reçoit une annulation.",
		AskResend: "Renvoyer la confirmation à", AskCorrect: "Corriger l’adresse", AskLeave: "Annuler l’inscription de",
		ResendNow: "Renvoyer", CorrectNow: "Corriger l’adresse", LeaveNow: "Annuler l’inscription",
		CorrectMore:  "La bonne adresse reçoit une nouvelle inscription et sa confirmation. La mauvaise ne reçoit plus rien, pas même une annulation, et les liens des e-mails qu’elle a reçus ne mènent pas à la nouvelle inscription.",
		RightAddress: "La bonne adresse", DidResend: "La confirmation repart.", DidCorrect: "L’adresse est corrigée. La confirmation part à la bonne.", DidCancel: "L’inscription est annulée.",
		NoAddress: "Ce n’est pas une adresse e-mail.",
		Obstacles: map[store.Obstacle]string{store.EventOff: "L’événement est annulé\u00a0: plus rien ne part.", store.EventOver: "L’événement est terminé\u00a0: plus rien ne part.", store.SeatLeft: "L’inscription a été annulée. Qui veut venir tout de même s’inscrit de nouveau.",
			store.NotPlanned: "L’inscription vient d’arriver. Réessayez dans un instant.", store.Underway: "Une confirmation est déjà en route.", store.HeldBack: "La confirmation est retenue. Libérez-la plutôt.",
			store.SentSince: "Une confirmation a été renvoyée entre-temps. Rien n’a été fait.", store.NoAddress: "Aucun e-mail ne peut partir à cette adresse. Corrigez-la plutôt.", store.SameAddress: "C’est déjà son adresse."},
		Reasons: reasons{
			"registered": "inscrit", "registered again": "inscrit de nouveau", "registered, and not planned yet": "inscrit à l’instant", "the event changed": "l’événement a changé", "the seat was given up": "l’inscription a été annulée",
			"the rule was removed": "la règle a été supprimée", "it is being sent": "envoi en cours", "nobody knows whether it arrived": "nul ne sait s’il est arrivé", "nobody knows whether it arrived, so it goes out again": "nul ne sait s’il est arrivé\u00a0; il repart",
			"refused": "refusé", "sent once more, as ": "renvoyé à la demande de ", "not an address: ": "ce n’est pas une adresse\u00a0: ", "the server said: ": "réponse du serveur\u00a0: ",
			"caught up: ": "rattrapé\u00a0: son heure était passée", "when it was planned, ": "au moment de l’envoi, l’inscription était annulée ou les rappels arrêtés", "for the start on ": "pour l’horaire précédent", "a mail of this name was planned for this start already": "cet e-mail avait déjà été prévu pour ce début", "the rule was changed since": "la règle a changé depuis",
			scheduler.TooLate: "trop tard", scheduler.EventOver: "trop tard\u00a0: l’événement est terminé", scheduler.EventOff: "l’événement est annulé", scheduler.EventMoved: "l’événement a été déplacé", scheduler.Withdrawn: "l’inscription a été annulée", scheduler.Muted: "les rappels ont été arrêtés",
			scheduler.Superseded: "déjà dit par un autre e-mail", scheduler.Erased: "les données ont été effacées", scheduler.NotOff: "l’événement a lieu finalement", scheduler.PassedByRule: "son heure était passée quand la règle a été écrite", scheduler.PassedByMove: "son heure était passée quand l’événement a été déplacé",
			scheduler.NoAddress: "l’adresse a été refusée", scheduler.LateFolded: "repris dans la confirmation\u00a0: inscrit trop peu avant, ou après", scheduler.LateSkipped: "inscrit après son heure", scheduler.StoodIn: "repris dans un e-mail des 30 minutes précédentes", scheduler.NotNeeded: "inutile\u00a0: rien de ce qui a été envoyé ne dit autre chose",
			scheduler.HeldCopied: "retenu\u00a0: l’inscription est antérieure à l’événement, donc copiée d’ailleurs", scheduler.HeldOver: "retenu\u00a0: l’inscription est arrivée après l’événement", scheduler.HeldFuse: "retenu\u00a0: plus de confirmations en une heure que le fusible n’en laisse passer", scheduler.HeldAway: "retenu\u00a0: allow_recipients ne nomme pas l’adresse",
			"the address does not work": "l’adresse ne fonctionne pas\u00a0: un e-mail est revenu", "the address was corrected": "l’adresse a été corrigée", "the letter can't be made": "l’e-mail ne peut pas être composé", "copied from elsewhere": "copié d’ailleurs", "there is no such address": "cette adresse n’existe pas\u00a0: corrigez-la", "the event was over before": "l’événement était déjà terminé",
		},
	},
	"es": {
		Search: "Buscar", SearchHint: "Una parte del nombre o de la dirección. Mayúsculas y acentos no importan.", Which: "Cuáles", Everybody: "todas las personas", Find: "Buscar", All: "Mostrar todo",
		OnePerson: "persona", Persons: "personas", More: "siguen más", Nobody: "Todavía no se ha inscrito nadie.", NobodyFound: "No se encuentra a nadie.", Older: "Inscripciones anteriores", Newest: "Últimas inscripciones",
		Person: "Persona", Standing: "Estado", Sent: "Correos", Error: "Respuesta del servidor", Registered: "Inscripción",
		Email: "Dirección", Name: "Nombre", Letters: "Idioma", Zone: "Zona horaria", AsEvent: "como el evento", Source: "Referencia del formulario", Number: "Número", NoName: "sin nombre",
		Standings: map[store.Standing]string{store.IsRegistered: "inscritas", store.IsWaiting: "recién llegadas", store.HasFailed: "con un correo fallido o retenido", store.IsRefused: "con una dirección que no funciona",
			store.IsMuted: "sin recordatorios", store.HasDeclined: "rechazaron en el calendario", store.HasLeft: "canceladas"},
		Conditions: map[store.Condition]string{store.WasErased: "borrada", store.WasCorrected: "dirección corregida", store.GaveUpSeat: "cancelada", store.AddressRefused: "la dirección no funciona", store.NotPlannedYet: "recién llegada",
			store.DeclinedInvite: "rechazó en el calendario, conserva la plaza", store.RemindersMuted: "confirmada, sin recordatorios", store.IsConfirmed: "confirmada"},
		Confirmations: map[convened.State]string{"": "sin confirmar", convened.Planned: "confirmación en camino", convened.Claimed: "confirmación en camino", convened.Unknown: "confirmación en duda", convened.Refused: "confirmación rechazada",
			convened.Held: "confirmación retenida", convened.Cancelled: "sin confirmar"},
		Story: "Cada correo, y por qué", NoStory: "No hay nada que contar: los datos personales se han borrado.", For: "Para", Mail: "Correo", Outcome: "Resultado", When: "Cuándo", Why: "Por qué", ServerSaid: "Respuesta del servidor",
		Arriving: "La inscripción acaba de llegar; el servicio se ocupa enseguida.",
		Kinds:    map[convened.Kind]string{convened.Confirmation: "Confirmación", convened.ReminderKind: "Recordatorio", convened.Update: "Actualización", convened.Cancellation: "Cancelación", convened.Followup: "Seguimiento", convened.Preflight: "Aviso a quien organiza"},
		Verdicts: map[scheduler.Verdict]string{scheduler.Did: "enviado", scheduler.DidNot: "no enviado", scheduler.Will: "se enviará", scheduler.WillNot: "no se enviará", scheduler.Held: "retenido"},
		Tries:    map[convened.State]string{convened.Planned: "se reintentó después", convened.Refused: "rechazado", convened.Unknown: "en duda", convened.Cancelled: "cancelado", convened.Held: "retenido", convened.Claimed: "en curso"},
		CameBack: "Lo que volvió", NoWords: "sin explicación",
		Returned: map[convened.ReturnKind]string{convened.HardBounce: "no se pudo entregar", convened.SoftBounce: "retrasado", convened.OddBounce: "quizá no se pudo entregar", convened.Receipt: "llegó", convened.Complaint: "marcado como no deseado", convened.AnswerGiven: "respuesta de un calendario"},
		Done:     "Lo que hicieron quienes organizan", CorrectedTo: "La dirección se corrigió a", CorrectedFrom: "Inscrita como corrección de", By: "por",
		Mend: "Qué se puede hacer", Resend: "Reenviar la confirmación", Correct: "Corregir la dirección", Leave: "Cancelar la inscripción",
		ResendHint: "Con la invitación, a la misma dirección.", CorrectHint: "Si tiene un error.", LeaveHint: "La persona recibe una cancelación.",
		AskResend: "Reenviar la confirmación a", AskCorrect: "Corregir la dirección", AskLeave: "Cancelar la inscripción de",
		ResendNow: "Reenviar", CorrectNow: "Corregir la dirección", LeaveNow: "Cancelar la inscripción",
		CorrectMore:  "La dirección correcta recibe una inscripción nueva y su confirmación. La equivocada no recibe nada más, ni siquiera una cancelación, y los enlaces de los correos que recibió no llevan a la inscripción nueva.",
		RightAddress: "La dirección correcta", DidResend: "La confirmación sale de nuevo.", DidCorrect: "La dirección está corregida. La confirmación sale hacia la correcta.", DidCancel: "La inscripción está cancelada.",
		NoAddress: "Esto no es una dirección de correo.",
		Obstacles: map[store.Obstacle]string{store.EventOff: "El evento está cancelado: ya no sale nada.", store.EventOver: "El evento ha terminado: ya no sale nada.", store.SeatLeft: "La inscripción se canceló. Quien quiera venir al final se inscribe de nuevo.",
			store.NotPlanned: "La inscripción acaba de llegar. Inténtelo de nuevo en un momento.", store.Underway: "Ya hay una confirmación en camino.", store.HeldBack: "La confirmación está retenida. Libérela en su lugar.",
			store.SentSince: "Entretanto se reenvió una confirmación. No se ha hecho nada.", store.NoAddress: "A esta dirección no puede salir ningún correo. Corríjala en su lugar.", store.SameAddress: "Esa es la dirección que ya tiene."},
		Reasons: reasons{
			"registered": "inscripción", "registered again": "inscripción repetida", "registered, and not planned yet": "recién inscrita", "the event changed": "el evento cambió", "the seat was given up": "la inscripción se canceló",
			"the rule was removed": "la regla se eliminó", "it is being sent": "se está enviando", "nobody knows whether it arrived": "nadie sabe si llegó", "nobody knows whether it arrived, so it goes out again": "nadie sabe si llegó; sale de nuevo",
			"refused": "rechazado", "sent once more, as ": "reenviado a petición de ", "not an address: ": "no es una dirección: ", "the server said: ": "respuesta del servidor: ",
			"caught up: ": "recuperado: su hora había pasado", "when it was planned, ": "en el momento del envío la inscripción estaba cancelada o los recordatorios detenidos", "for the start on ": "para el horario anterior", "a mail of this name was planned for this start already": "este correo ya estaba previsto para este comienzo", "the rule was changed since": "la regla cambió desde entonces",
			scheduler.TooLate: "demasiado tarde", scheduler.EventOver: "demasiado tarde: el evento ha terminado", scheduler.EventOff: "el evento está cancelado", scheduler.EventMoved: "el evento cambió de fecha", scheduler.Withdrawn: "la inscripción se canceló", scheduler.Muted: "los recordatorios se detuvieron",
			scheduler.Superseded: "ya lo dijo otro correo", scheduler.Erased: "los datos se borraron", scheduler.NotOff: "el evento sí tiene lugar", scheduler.PassedByRule: "su hora había pasado cuando se escribió la regla", scheduler.PassedByMove: "su hora había pasado cuando el evento cambió de fecha",
			scheduler.NoAddress: "la dirección fue rechazada", scheduler.LateFolded: "incluido en la confirmación: se inscribió muy poco antes, o después", scheduler.LateSkipped: "se inscribió después de su hora", scheduler.StoodIn: "incluido en un correo de los 30 minutos anteriores", scheduler.NotNeeded: "innecesario: nada de lo enviado dice otra cosa",
			scheduler.HeldCopied: "retenido: la inscripción es anterior al evento, es decir, copiada de otro sitio", scheduler.HeldOver: "retenido: la inscripción llegó después del evento", scheduler.HeldFuse: "retenido: más confirmaciones en una hora de las que deja pasar el fusible", scheduler.HeldAway: "retenido: allow_recipients no nombra la dirección",
			"the address does not work": "la dirección no funciona: volvió un correo", "the address was corrected": "la dirección se corrigió", "the letter can't be made": "no se puede componer el correo", "copied from elsewhere": "copiada de otro sitio", "there is no such address": "no existe esa dirección: corríjala", "the event was over before": "el evento ya había terminado",
		},
	},
}
