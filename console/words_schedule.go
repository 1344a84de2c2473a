package console

import (
	"strings"

	"convened"
	"convened/desk"
	"convened/scheduler"
)

// scheduleWords are what the editor of the schedule says. %s and %n are what the
// comment names.
type scheduleWords struct {
	Intro     string // what the page is for
	None      string // no rule
	Rule      string // %n: number
	Up, Down  string
	Remove    string
	Add       string
	Look      string // the button that leads to the page that asks
	Check     string // the button that checks, where there is no script
	OfRule    string // %s: button, %n: number: what a screen reader says
	When      string
	Ways      []option
	Count     string
	Unit      string
	Units     []option
	Days      string
	Clock     string
	ClockHint string
	Cron      string
	CronHint  string
	From      string
	Until     string
	UntilHint string
	EdgeUnits []option
	Most      string
	MostHint  string
	More      string // the part that few need
	Late      string
	Lates     []option
	Name      string
	NameHint  string
	Template  string
	TmplHint  string
	Note      string
	NoteHint  string

	Next, NoNext         string // the next instants; none
	Left, PastOf         string // %n; %n of %s
	AfterEnd             string // a follow-up
	WholeNumber          string
	CronMissing          string
	NoTemplate           string
	Mend                 string
	Conflict             string
	TheirsBy, TheirsMore string // %s who, %n when
	Reload               string
	Saved                string
	NothingChanges       string
	Error, Warning       string

	AllWell, Rules, Wrong, Odd [2]string // %n; one and many

	Review, ReviewIntro   string
	MailsNobody           string
	MailsNow              [2]string // %n
	FirstMail             [2]string // %n: people, %s: when
	MoreNow               string
	InLanguages           string // %s
	Differences           map[string]string
	Kinds                 map[convened.Kind]string
	Mailings, NoMailing   string
	What, WhenIs, People  string
	Mail                  string
	WasAt                 string // %s
	Changes, Was, Becomes string
	Remarks               string
	Save                  [2]string // without and with mail; %n
	BackToEditing         string
}

// say puts a number and a word into a text.
func say(text, number, word string) string {
	return strings.NewReplacer("%n", number, "%s", word).Replace(text)
}

// problem says what is wrong with what was typed, and what to write.
func (w *scheduleWords) problem(p desk.Problem) string {
	if p.Mend == "" {
		return p.Rule
	}
	return p.Rule + "; " + p.Mend
}

func (w *scheduleWords) remark(f scheduler.Finding) remark {
	return remark{Error: f.Level == scheduler.LevelError, Text: f.Message, Mend: f.Mend}
}
