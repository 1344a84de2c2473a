package desk

import (
	"fmt"
	"slices"
	"strings"

	"convened"
	"convened/config"
	"convened/scheduler"
)

// WriteEventFile writes an event as ReadEventFile reads it, in the canonical
// form: keys in the order of the manual, defaults left out, texts in the
// event's language alone without a language, the event's language first.
//
// Reading it again gives the same event, as far as it is in the file: status,
// sequence, revision and the times of edits are not. Its error is a rule that
// scheduler.ParseRule refuses, which no stored event has.
func WriteEventFile(e *convened.Event) ([]byte, error) {
	w := writing{language: e.Language}
	w.value(0, "event", e.Slug)
	w.text(0, "title", e.Title)
	w.value(0, "starts", e.StartsLocal.String())
	w.value(0, "ends", e.EndsLocal.String())
	w.value(0, "zone", e.Zone)
	w.value(0, "language", e.Language)
	w.value(0, "held_in", e.HeldIn)
	w.text(0, "location", e.Location)
	w.value(0, "join_url", e.JoinURL)
	w.value(0, "page_url", e.PageURL)
	if e.Organizer != (convened.Organizer{}) {
		w.b.WriteString("organizer:\n")
		w.value(2, "name", e.Organizer.Name)
		w.value(2, "email", e.Organizer.Email)
	}
	w.text(0, "description", e.Description)
	w.text(0, "introduction", e.Introduction)
	w.value(0, "colour", e.Colour)
	w.value(0, "logo", e.Logo)
	if e.SignUp {
		w.b.WriteString("sign_up: true\n")
	}
	if len(e.Reminders) > 0 {
		w.b.WriteString("reminders:\n")
	}
	for i := range e.Reminders {
		if err := w.reminder(&e.Reminders[i]); err != nil {
			return nil, fmt.Errorf("write event %s: %w", e.Slug, err)
		}
	}
	return []byte(w.b.String()), nil
}

type writing struct {
	b        strings.Builder
	language string
	item     bool // the next key begins an item of a list
}

// key writes the indentation and the key. At the beginning of an item of a
// list the last two blanks are "- ".
func (w *writing) key(indent int, key string) {
	if w.item {
		w.b.WriteString(strings.Repeat(" ", indent-2) + "- ")
		w.item = false
	} else {
		w.b.WriteString(strings.Repeat(" ", indent))
	}
	w.b.WriteString(key + ":")
}

func (w *writing) value(indent int, key, value string) {
	if value == "" {
		return
	}
	w.key(indent, key)
	w.b.WriteString(config.Value(value, indent+2) + "\n")
}

func (w *writing) text(indent int, key string, t convened.Text) {
	if len(t) == 0 {
		return
	}
	if s, ok := t[w.language]; ok && len(t) == 1 {
		w.value(indent, key, s)
		return
	}
	w.key(indent, key)
	w.b.WriteByte('\n')
	languages := sortedLanguages(t)
	if i := slices.Index(languages, w.language); i > 0 {
		languages = slices.Insert(slices.Delete(languages, i, i+1), 0, w.language)
	}
	for _, language := range languages {
		// Scalar keeps Norwegian, "no", from being false to other readers.
		w.value(indent+2, config.Scalar(language), t[language])
	}
}

func (w *writing) reminder(rem *convened.Reminder) error {
	rule, err := scheduler.RuleOf(rem)
	if err != nil {
		return err
	}
	f := rule.Fields()
	w.item = true
	w.value(4, "before", f.Before)
	w.value(4, "after", f.After)
	w.value(4, "cron", f.Cron)
	w.value(4, "from", f.From)
	w.value(4, "until", f.Until)
	if f.AtMost > 0 {
		w.key(4, "at_most")
		fmt.Fprintf(&w.b, " %d\n", f.AtMost)
	}
	if rem.Key != rule.String() {
		w.value(4, "name", rem.Key)
	}
	if rem.Late != convened.Fold {
		w.value(4, "late", string(rem.Late))
	}
	w.value(4, "template", rem.Template)
	w.text(4, "note", rem.Note)
	return nil
}
