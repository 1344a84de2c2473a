package desk

import "strings"

// An export is what another service writes out for an organiser, as it is: which
// of its columns say what, and which of its rows are nobody who comes.
type export struct {
	name string
	// signs are columns that together no other file has.
	signs []string
	// columns lists for each of our fields the columns that may hold it, the best
	// first: the first that is not empty counts, row by row.
	columns map[string][]string
	status  []string
	comes   []string // what the status says of who comes; anything else stays away
}

// exports are those that are recognised. The names of their columns are lower-case,
// and without blanks at their ends.
//
// Zoom writes some lines about the webinar before the header. pretix writes one
// address for the order and one for the person; the person's is the better. Its
// event slug is pretix's own, and not ours.
var exports = []export{
	{
		name:  "an attendee list of Eventbrite",
		signs: []string{"attendee status|attendee #|ticket type", "order #|order id|order number"},
		columns: map[string][]string{
			"email": {"attendee email", "email", "email address", "buyer email", "order email"},
			"first": {"attendee first name", "first name"}, "last": {"attendee surname", "attendee last name", "last name", "surname"},
			"name": {"attendee name", "name"}, "source_ref": {"attendee #", "attendee id", "order #", "order id", "order number"},
		},
		status: []string{"attendee status"}, comes: []string{"attending", "checked in", ""},
	},
	{
		name:  "a registration report of Zoom",
		signs: []string{"approval status|registration time", "email|email address", "first name"},
		columns: map[string][]string{
			"email": {"email", "email address"}, "first": {"first name"}, "last": {"last name"},
			"source_ref": {"registrant id"},
		},
		status: []string{"approval status"}, comes: []string{"approved", ""},
	},
	{
		name:  "an order list of pretix",
		signs: []string{"order code", "status", "order locale|sales channel|position id"},
		columns: map[string][]string{
			"email": {"attendee email", "email", "e-mail", "e-mail address"},
			"name":  {"attendee name", "invoice address name", "name"},
			"first": {"attendee name: given name"}, "last": {"attendee name: family name"},
			"language": {"order locale"}, "source_ref": {"order code"},
		},
		status: []string{"status"}, comes: []string{"paid", "pending", "approval pending", "pending (overdue)", "pending (confirmed)", ""},
	},
}

// exportOf recognises an export by its header; nil for any other file.
func exportOf(header []string) *export {
	there := map[string]bool{}
	for _, h := range header {
		there[headed(h)] = true
	}
	for i := range exports {
		x := &exports[i]
		all := true
		for _, sign := range x.signs {
			one := false
			for s := range strings.SplitSeq(sign, "|") {
				one = one || there[s]
			}
			all = all && one
		}
		if all {
			return x
		}
	}
	return nil
}

// headed is the name of a column as it is compared.
func headed(h string) string { return strings.ToLower(strings.TrimSpace(h)) }

// FieldNamed returns which of our fields a column of a file or a question of a form
// is by its name, as an import takes it: email, name, first, last, language, zone,
// source_ref or event; "" for any other.
func FieldNamed(name string) string { return columns[strings.TrimRight(headed(name), " *:?")] }
