package desk

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"convened"
	"convened/config"
	"convened/scheduler"
)

// An eventFile is an event as an organiser writes it. The aka tags are what
// people try for a key; docs/schedules.md explains each.
type eventFile struct {
	Event        string         `yaml:"event" aka:"slug,id,name,event_id"`
	Title        words          `yaml:"title" aka:"summary,subject,heading"`
	Starts       string         `yaml:"starts" aka:"begin,begins,date,when,starts_at,start_time"`
	Ends         string         `yaml:"ends" aka:"finish,finishes,ends_at,end_time,duration"`
	Zone         string         `yaml:"zone" aka:"timezone,time_zone,tz,time-zone"`
	Language     string         `yaml:"language" aka:"lang,locale"`
	HeldIn       string         `yaml:"held_in" aka:"spoken,spoken_language"`
	Location     words          `yaml:"location" aka:"place,venue,where,address"`
	JoinURL      string         `yaml:"join_url" aka:"link,url,join,join_link,meeting_url"`
	PageURL      string         `yaml:"page_url" aka:"page,website,web,homepage,page_link"`
	Organizer    organizerFile  `yaml:"organizer" aka:"organiser,host,organizers,contact"`
	Description  words          `yaml:"description" aka:"about,abstract,body,text,details"`
	Introduction words          `yaml:"introduction" aka:"intro,greeting"`
	Colour       string         `yaml:"colour" aka:"color"`
	Logo         string         `yaml:"logo" aka:"image,picture"`
	SignUp       bool           `yaml:"sign_up" aka:"signup,registration,registrations,sign_up_page"`
	Reminders    []reminderFile `yaml:"reminders" aka:"reminder,schedule,notifications,mails"`
}

type organizerFile struct {
	Name  string `yaml:"name"`
	Email string `yaml:"email" aka:"mail,address,e-mail"`
}

type reminderFile struct {
	Before   string `yaml:"before"`
	After    string `yaml:"after"`
	Cron     string `yaml:"cron" aka:"every,schedule"`
	From     string `yaml:"from" aka:"starting,since"`
	Until    string `yaml:"until" aka:"till,to"`
	AtMost   int    `yaml:"at_most" aka:"max,limit,times,count"`
	Name     string `yaml:"name" aka:"key,id"`
	Late     string `yaml:"late"`
	Template string `yaml:"template"`
	Note     words  `yaml:"note" aka:"text,message,body"`
}

// words is a text by language; without languages it is under "".
type words map[string]string

// UnmarshalText takes `title: Webinar`, which is in the event's language.
func (w *words) UnmarshalText(text []byte) error {
	*w = words{"": string(text)}
	return nil
}

// ReadEventFile reads an event file; file is its name in messages. The event
// has its defaults filled in (English letters, `late: fold`), its instants
// derived, its rules and their keys normalised and the status scheduled.
//
// Its error is *config.Problems: everything that is wrong at once, each with
// file, line, column, key, value, rule and mend. What is merely odd with the
// times of an otherwise right event, such as a start that a clock change
// skips, or a rule that fires at night, is for scheduler.Lint to say.
func ReadEventFile(file string, data []byte) (*convened.Event, error) {
	doc, err := config.ParseYAML(file, data)
	if err != nil {
		return nil, err
	}
	r := reading{doc: fileSource{doc}}
	r.take(doc.Decode(&r.file))
	r.identity()
	r.facts()
	r.reminders()
	if err := config.Join(r.problems); err != nil {
		return nil, err
	}
	return &r.event, nil
}

// A source is where a reading has its values from: a file, or a form. Paths are
// those of config.Document.
type source interface {
	Has(path string) bool      // there is a value
	Mentions(path string) bool // its key is there, be it without a value
	Problem(path, rule, mend string) config.Problem
	place(path string) string // where a reminder is: "on line 7"
}

type fileSource struct{ *config.Document }

func (s fileSource) place(path string) string {
	line, _ := s.Position(path)
	return fmt.Sprintf("on line %d", line)
}

// A reading is a ReadEventFile or a Draft.On under way.
type reading struct {
	doc      source
	file     eventFile
	event    convened.Event
	problems []config.Problem
	bad      map[string]bool // the paths that have a problem already
	meant    map[string]bool // the keys that an unknown one was probably meant to be
	unknown  map[string]bool // the paths of what holds an unknown key
	keys     []string        // of each reminder that is written; "" where it can't be read
}

// take collects the problems of decoding, so that nothing further is said
// about the values that are missing because of them.
func (r *reading) take(err error) {
	r.bad, r.meant, r.unknown = map[string]bool{}, map[string]bool{}, map[string]bool{}
	var ps *config.Problems
	if !errors.As(err, &ps) {
		return
	}
	for _, p := range ps.List {
		r.problems = append(r.problems, p)
		r.bad[p.Key] = true
		if i := strings.LastIndexByte(p.Key, '.'); p.Rule == config.UnknownKey && i >= 0 {
			r.unknown[p.Key[:i]] = true
		}
		if key, ok := strings.CutPrefix(p.Mend, "did you mean "); ok {
			r.meant[strings.TrimSuffix(key, "?")] = true
		}
	}
}

// refuse adds a problem, unless there is one with that value already.
func (r *reading) refuse(path, rule, mend string) {
	// A file that holds no event at all has one problem, not ten.
	if r.bad[path] || r.bad[""] {
		return
	}
	r.bad[path] = true
	r.problems = append(r.problems, r.doc.Problem(path, rule, mend))
}

// require reports whether a key has a value, and refuses the file if not.
func (r *reading) require(path, value, example string) bool {
	if value == "" && !r.meant[path] {
		r.refuse(path, "is required", "write "+path[strings.LastIndexByte(path, '.')+1:]+": "+example)
	}
	return value != "" && !r.bad[path]
}

// facts reads what a file and a form say of an event in the same way.
func (r *reading) facts() {
	r.language()
	r.times()
	r.words()
	r.links()
	r.organizer()
	r.looks()
}

var slugForm = regexp.MustCompile(`^[a-z0-9]+(?:-[a-z0-9]+)*$`)

const maxSlug = 100

func (r *reading) identity() {
	e, slug := &r.event, r.file.Event
	e.Status = convened.Scheduled
	if !r.require("event", slug, "a short name in lower-case letters, digits and hyphens, such as spring-webinar-2027") {
		return
	}
	if len(slug) > maxSlug {
		r.refuse("event", fmt.Sprintf("is longer than %d characters", maxSlug), "shorten it; people never see it")
		return
	}
	if !slugForm.MatchString(slug) {
		mend := "write something like spring-webinar-2027"
		if s := slugOf(slug); s != "" {
			mend = "write " + s
		}
		r.refuse("event", "is not made of lower-case letters, digits and hyphens", mend)
		return
	}
	e.Slug = slug
}

// slugOf makes a slug out of what somebody took for one; "" if nothing is left.
func slugOf(text string) string {
	plain := strings.NewReplacer("é", "e", "è", "e", "ê", "e", "ë", "e", "à", "a", "â", "a", "á", "a", "ç", "c", "î", "i", "ï", "i", "í", "i", "ô", "o", "ó", "o",
		"ö", "o", "ù", "u", "û", "u", "ú", "u", "ü", "u", "ñ", "n", "'", "", "’", "").Replace(strings.ToLower(text))
	slug := strings.Join(strings.FieldsFunc(plain, func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') }), "-")
	return strings.Trim(slug[:min(len(slug), maxSlug)], "-")
}

// organizer reads who invites.
func (r *reading) organizer() {
	o := r.file.Organizer
	r.event.Organizer.Name = r.oneLine("organizer.name", o.Name)
	r.event.Organizer.Email = r.email("organizer.email", o.Email)
}

const maxReminders = 50

func (r *reading) reminders() {
	r.keys = make([]string, len(r.file.Reminders))
	if len(r.file.Reminders) > maxReminders {
		r.refuse("reminders", fmt.Sprintf("are more than %d", maxReminders), "nobody wants that much mail: leave some out, or use cron")
		return
	}
	places := map[string]string{} // where each key was first
	for i, f := range r.file.Reminders {
		at := fmt.Sprintf("reminders[%d]", i+1)
		rem := convened.Reminder{Late: r.late(at+".late", f.Late), Template: r.template(at+".template", f.Template), Note: r.prose(at+".note", f.Note)}
		name := r.oneLine(at+".name", f.Name)
		if len(name) > maxSlug {
			r.refuse(at+".name", fmt.Sprintf("is longer than %d bytes", maxSlug), "shorten it; people never see it")
		}
		rule, where, ok := r.rule(at, f)
		if !ok {
			continue
		}
		rem.Rule, rem.Key = rule.String(), rule.String()
		if name != "" {
			rem.Key, where = name, at+".name"
		}
		if place, twice := places[rem.Key]; twice {
			if name != "" {
				r.refuse(where, fmt.Sprintf("is the name of the reminder %s too", place), "write another")
			} else {
				r.refuse(where, fmt.Sprintf("is the same rule as that of the reminder %s", place), "leave one of the two out, or give it a name: of its own")
			}
			continue
		}
		places[rem.Key] = r.doc.place(where)
		r.keys[i] = rem.Key
		r.event.Reminders = append(r.event.Reminders, rem)
	}
}

// rule reads the keys that say when, and returns the path of the one that
// leads: before, after or cron.
func (r *reading) rule(at string, f reminderFile) (rule scheduler.Rule, where string, ok bool) {
	where = at
	for _, key := range []string{"before", "after", "cron"} {
		if r.doc.Has(at + "." + key) {
			where = at + "." + key
			break
		}
	}
	// What could not be read, or was meant to be one of these keys, would only
	// be missed here.
	for _, key := range []string{"", ".before", ".after", ".cron", ".from", ".until", ".at_most"} {
		if r.bad[at+key] || r.meant[at+key] {
			return rule, where, false
		}
	}
	if r.doc.Has(at+".at_most") && f.AtMost < 1 {
		r.refuse(at+".at_most", "is no number of mails", "write one from 1, or leave it out for no limit")
		return rule, where, false
	}
	rule, err := scheduler.NewRule(scheduler.RuleFields{Before: f.Before, After: f.After, Cron: f.Cron, From: f.From, Until: f.Until, AtMost: f.AtMost})
	if err == nil {
		return rule, where, true
	}
	var wrong *scheduler.RuleError
	if !errors.As(err, &wrong) {
		r.refuse(where, err.Error(), "write a rule such as before: 24h")
		return rule, where, false
	}
	switch {
	case slices.Contains([]string{"before", "after", "cron", "from", "until", "at_most"}, wrong.Field):
		r.refuse(at+"."+wrong.Field, wrong.Why, wrong.Mend)
	case where == at && r.unknown[at]:
		// No rule, and a key that nobody knows: that one was to be the rule.
	default:
		r.refuse(at, wrong.Why, wrong.Mend)
	}
	return rule, where, false
}

func (r *reading) late(path, text string) convened.Late {
	all := []string{string(convened.Fold), string(convened.CatchUp), string(convened.Skip)}
	switch {
	case text == "":
		return convened.Fold
	case slices.Contains(all, text):
		return convened.Late(text)
	}
	mend := "write fold (the confirmation says it), catch-up (it is sent at once) or skip (nothing)"
	if near := config.Nearest(text, all); near != "" {
		mend = "did you mean " + near + "?"
	}
	r.refuse(path, "is none of fold, catch-up and skip", mend)
	return convened.Fold
}

var templateForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,49}$`)

func (r *reading) template(path, name string) string {
	if name != "" && !templateForm.MatchString(name) {
		mend := "write a name such as followup"
		if base, _, ok := strings.Cut(name[strings.LastIndexByte(name, '/')+1:], "."); ok && templateForm.MatchString(base) {
			mend = "write " + base
		}
		r.refuse(path, "is not the name of a template, which is letters, digits and hyphens", mend)
	}
	return name
}
