package convened

import "time"

// A UserID is the identity of a row in convened.users. Zero is no user.
type UserID int64

// A Role is what a user may do with one event.
type Role string

// The roles, as they stand in the database. Who may edit may view.
const (
	NoRole Role = ""
	View   Role = "view" // see the event, its letters and its registrants
	Edit   Role = "edit" // and change them
)

// Allows reports whether the role is as good as the one that is wanted.
func (r Role) Allows(wanted Role) bool { return r == Edit || r == wanted }

// A User is an organiser with an account of the console.
type User struct {
	ID            UserID
	Email         string // as it was typed; no two differ in case alone
	Name          string // "" where it was not given
	Administrator bool   // may edit every event, make new ones, and see what concerns all of them
	HasPassword   bool   // false: comes in by single sign-on alone
	CreatedAt     time.Time
	Roles         map[string]Role // by event; nil where there is none
}

// RoleOn returns what the user may do with an event.
func (u *User) RoleOn(event string) Role {
	if u.Administrator {
		return Edit
	}
	return u.Roles[event]
}

// An Actor is who does something, and when.
type Actor struct {
	Name string // the address of a user, or the name of a user of the machine
	Via  Via
	At   time.Time
}

// A Via is the way in which something was done.
type Via string

// The two ways.
const (
	ByConsole Via = "console"
	ByCommand Via = "command"
	ByAPI     Via = "api"
)

// A Deed is an entry of the trail: who did what. It holds no personal data of a
// registrant but the number of the registration, which means nothing any more
// once that is erased.
type Deed struct {
	ID           int64
	At           time.Time // UTC
	By           string    // see Actor
	Via          Via
	What         string         // one of those below
	Event        string         // slug; "" where it is of no event
	Registration RegistrationID // 0 where it is of nobody
	Detail       string         // what a name alone does not say, in English; may be ""
}

// What can be done, as it stands in the database.
const (
	EventMade           = "event made"
	EventChanged        = "event changed"
	EventCalledOff      = "event called off"
	RegistrationsAdded  = "registrations added"
	SeatGivenUp         = "registration cancelled"
	ConfirmationResent  = "confirmation sent again"
	AddressCorrected    = "address corrected"
	SeatMuted           = "reminders stopped"
	SeatUnmuted         = "reminders resumed"
	SeatChosen          = "language and zone set"
	PersonErased        = "person erased"
	NoticesReleased     = "notices released"
	NoticesRetried      = "notices retried"
	QuarantineEnded     = "quarantine ended"
	TestSent            = "test sent"
	RegistrantsExported = "registrants exported"
	KeyRotated          = "key rotated"
	UserAdded           = "user added"
	UserChanged         = "user changed"
	UserRemoved         = "user removed"
	RoleGranted         = "role granted"
	RoleRevoked         = "role revoked"
	PasswordSet         = "password set"
	SignedIn            = "signed in"
	SignedOut           = "signed out"
	SourceAdded         = "source added"
	SourceRemoved       = "source removed"
	SourceTaken         = "existing rows taken"
	TokenMade           = "token made"
	TokenRevoked        = "token revoked"
	HookMade            = "webhook made"
	SourceReleased      = "vanished rows released"
)
