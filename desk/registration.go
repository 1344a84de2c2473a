package desk

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"convened"
	"convened/address"
	"convened/store"
)

// Identify fills in who a newcomer is: the identity of the seat, and what is
// wrong with the address if it can't be one. It is what the daemon plans with.
func Identify(n *convened.Newcomer) {
	n.Address = address.Key(n.Email)
	if _, err := address.Parse(n.Email); err != nil {
		n.Fault = err.Error()
	}
}

// Register adds one person as a sign-up form would; the daemon does the rest.
// Unlike a form's, a bad address is an error: who types a command can mend it.
func (d *Desk) Register(ctx context.Context, e store.Entry) (convened.RegistrationID, error) {
	if _, err := address.Parse(e.Email); err != nil {
		return 0, err
	}
	if err := checkChoices(e); err != nil {
		return 0, err
	}
	ids, err := d.Store.AddRegistrations(ctx, []store.Entry{e})
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// Seat returns the seat of an address at an event. Its error wraps
// store.ErrNotFound if there is none.
func (d *Desk) Seat(ctx context.Context, event, email string) (*convened.Registration, error) {
	r, err := d.Store.Seat(ctx, event, address.Key(email))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%s at event %q: %w", email, event, store.ErrNotFound)
	}
	return r, err
}

// GiveUp cancels one person's seat; they get a cancellation of the invitation.
// It reports false for a seat that was given up before.
func (d *Desk) GiveUp(ctx context.Context, now time.Time, event, email string) (bool, error) {
	r, err := d.Seat(ctx, event, email)
	if err != nil {
		return false, err
	}
	return d.Store.GiveUp(ctx, now, event, r.ID)
}

// Mute stops one person's reminders, or has them sent again; the seat stays. It
// reports false where that is how it was.
func (d *Desk) Mute(ctx context.Context, now time.Time, event, email string, mute bool) (bool, error) {
	r, err := d.Seat(ctx, event, email)
	if err != nil {
		return false, err
	}
	if mute {
		return d.Store.Mute(ctx, now, event, r.ID)
	}
	return d.Store.Unmute(ctx, now, event, r.ID)
}

// Erase removes a person's data from every table: of one event or, where event
// is "", of all. It returns how many registrations there were.
func (d *Desk) Erase(ctx context.Context, now time.Time, event, email string) (int, error) {
	return d.Store.Erase(ctx, now, event, address.Key(email), email)
}

// checkChoices refuses a language or a zone that would silently be the event's.
func checkChoices(e store.Entry) error {
	if e.Language != "" && !slices.Contains(convened.Languages(), convened.BaseLanguage(e.Language)) {
		return fmt.Errorf("language %q: letters are written in %s; leave it empty for the event's language", e.Language, strings.Join(convened.Languages(), ", "))
	}
	if e.Zone != "" {
		if _, err := convened.LoadZone(e.Zone); err != nil {
			return err
		}
	}
	return nil
}

// A BadLine is a line of an import that was left out.
type BadLine struct {
	Line int // of the file, from 1
	Why  string
}

// An Import is what came of reading a CSV file.
type Import struct {
	Read  int // records, without the header
	Good  int // taken, or, in a dry run, fit to be taken
	Bad   []BadLine
	Notes []string       // columns that were not used
	Of    string         // what was recognised, such as "a registration report of Zoom"; "": a CSV file like any other
	Away  map[string]int // people who do not come, by what the export says of them; they are left out
}

// columns are the names that a header may give to what a registration has.
var columns = map[string]string{
	"email": "email", "e-mail": "email", "mail": "email", "email address": "email", "e-mail address": "email", "courriel": "email", "correo": "email",
	"correo electrónico": "email", "adresse e-mail": "email", "adresse électronique": "email",
	"name": "name", "full name": "name", "nom": "name", "nombre": "name",
	"first name": "first", "first_name": "first", "firstname": "first", "prénom": "first",
	"last name": "last", "last_name": "last", "lastname": "last", "surname": "last",
	"language": "language", "lang": "language", "locale": "language", "langue": "language", "idioma": "language",
	"zone": "zone", "timezone": "zone", "time zone": "zone", "time_zone": "zone",
	"source_ref": "source_ref", "reference": "source_ref", "order": "source_ref", "id": "source_ref",
	"event": "event",
}

// ErrHeader is wrapped by Import where the first line is no header to work with.
var ErrHeader = errors.New("the first line must name the columns, email among them")

// importBatch is how many lines are written in one transaction.
const importBatch = 1000

// Import reads registrations for an event from CSV with a header (comma,
// semicolon or tab; UTF-8 with or without a byte order mark) and adds them a
// batch at a time. A line that can't be taken is reported and left out, the
// others are kept. progress is called with the bytes read so far. A dry run
// writes nothing. Importing a file again adds nobody twice: the same address is
// the same seat.
func (d *Desk) Import(ctx context.Context, event string, r io.Reader, dry bool, progress func(bytes int64)) (*Import, error) {
	if _, err := d.Store.Event(ctx, event); err != nil {
		return nil, fmt.Errorf("event %q: %w", event, err)
	}
	records, err := newRecords(r)
	if err != nil {
		return nil, err
	}
	result := &Import{Notes: records.notes, Away: map[string]int{}}
	if records.of != nil {
		result.Of = records.of.name
	}
	var batch []store.Entry
	flush := func() error {
		if len(batch) == 0 || dry {
			batch = batch[:0]
			return nil
		}
		if _, err := d.Store.AddRegistrations(ctx, batch); err != nil {
			return fmt.Errorf("after %d registrations: %w", result.Good-len(batch), err)
		}
		batch = batch[:0]
		return nil
	}
	for {
		e, line, err := records.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if line == 0 {
			return result, fmt.Errorf("read the file: %w", err)
		}
		result.Read++
		if away := records.away; err == nil && away != "" {
			result.Away[away]++
			continue
		}
		if err == nil {
			err = fit(&e, event)
		}
		if err != nil {
			result.Bad = append(result.Bad, BadLine{line, err.Error()})
			continue
		}
		result.Good++
		if batch = append(batch, e); len(batch) == importBatch {
			if err := flush(); err != nil {
				return result, err
			}
			progress(records.reader.InputOffset())
		}
	}
	err = flush()
	progress(records.reader.InputOffset())
	return result, err
}

func fit(e *store.Entry, event string) error {
	if e.Event != "" && e.Event != event {
		return fmt.Errorf("event %q is another one", e.Event)
	}
	e.Event = event
	if _, err := address.Parse(e.Email); err != nil {
		return err
	}
	return checkChoices(*e)
}

// fitLanguage is the language of an export, or "" where letters are not written in it.
func fitLanguage(language string) string {
	if slices.Contains(convened.Languages(), convened.BaseLanguage(language)) {
		return language
	}
	return ""
}

// records reads a CSV file as entries.
type records struct {
	reader *csv.Reader
	at     map[string][]int // the columns that may hold each field, the best first
	notes  []string
	of     *export // nil: a file of no service that is known
	away   string  // what the export says of the last row, if that person does not come
}

// preamble is how many lines may stand before the header of an export.
const preamble = 20

func newRecords(r io.Reader) (*records, error) {
	head := make([]byte, 64<<10)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	head = head[:n]
	head = []byte(strings.TrimPrefix(string(head), "\uFEFF"))
	c := csv.NewReader(io.MultiReader(strings.NewReader(string(head)), r))
	c.Comma = separator(head)
	c.FieldsPerRecord = -1
	c.TrimLeadingSpace = true
	rec := &records{reader: c, at: map[string][]int{}}
	first, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	header := first
	for n := 1; n < preamble && rec.of == nil; n++ {
		if rec.of = exportOf(header); rec.of != nil || hasEmail(header) {
			break
		}
		if header, err = c.Read(); err != nil {
			header = first
			break
		}
	}
	if rec.of != nil {
		rec.recognise(header)
		return rec, nil
	}
	rec.name(header)
	if _, ok := rec.at["email"]; !ok {
		return nil, fmt.Errorf("%w; it has %s", ErrHeader, strings.Join(first, ", "))
	}
	return rec, nil
}

// hasEmail reports whether a line is a header to work with.
func hasEmail(header []string) bool {
	return slices.ContainsFunc(header, func(h string) bool { return columns[headed(h)] == "email" })
}

// name finds out what the columns of any other file hold.
func (r *records) name(header []string) {
	for i, h := range header {
		name, known := columns[headed(h)]
		if !known {
			r.notes = append(r.notes, fmt.Sprintf("column %q is not used", h))
			continue
		}
		if len(r.at[name]) > 0 {
			r.notes = append(r.notes, fmt.Sprintf("column %q is not used: there is one of that meaning before it", h))
			continue
		}
		r.at[name] = []int{i}
	}
}

// recognise finds the columns of an export.
func (r *records) recognise(header []string) {
	index := map[string]int{}
	for i, h := range header {
		if _, twice := index[headed(h)]; !twice {
			index[headed(h)] = i
		}
	}
	for field, names := range r.of.columns {
		for _, n := range names {
			if i, ok := index[n]; ok {
				r.at[field] = append(r.at[field], i)
			}
		}
	}
	for _, n := range r.of.status {
		if i, ok := index[n]; ok {
			r.at["status"] = append(r.at["status"], i)
		}
	}
}

// separator is the one of , ; and tab that the header has most of.
func separator(head []byte) rune {
	line, _, _ := strings.Cut(string(head), "\n")
	best := ','
	for _, c := range []rune{';', '\t'} {
		if strings.Count(line, string(c)) > strings.Count(line, string(best)) {
			best = c
		}
	}
	return best
}

// next returns the next entry and its line. An error other than io.EOF concerns
// that line alone, unless the line is 0: then the file can't be read further.
func (r *records) next() (store.Entry, int, error) {
	fields, err := r.reader.Read()
	if errors.Is(err, io.EOF) {
		return store.Entry{}, 0, io.EOF
	}
	if err != nil {
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			return store.Entry{}, parse.StartLine, parse.Err
		}
		return store.Entry{}, 0, err
	}
	line, _ := r.reader.FieldPos(0)
	get := func(name string) string {
		for _, i := range r.at[name] {
			if i < len(fields) && strings.TrimSpace(fields[i]) != "" {
				return strings.TrimSpace(fields[i])
			}
		}
		return ""
	}
	r.away = ""
	if status := get("status"); r.of != nil && !slices.Contains(r.of.comes, strings.ToLower(status)) {
		r.away = status
	}
	e := store.Entry{Event: get("event"), Email: get("email"), Name: get("name"), Language: get("language"), Zone: get("zone"), SourceRef: get("source_ref")}
	if e.Name == "" {
		e.Name = strings.TrimSpace(get("first") + " " + get("last"))
	}
	if r.of != nil {
		e.Language = fitLanguage(e.Language)
	}
	if i := slices.Min(r.at["email"]); i >= len(fields) {
		return e, line, fmt.Errorf("has %d fields, and email is in field %d", len(fields), i+1)
	}
	return e, line, nil
}
