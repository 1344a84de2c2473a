package intake

import (
	"regexp"
	"slices"
	"strings"

	"convened"
	"convened/mailer"
)

// This file holds the bounces of servers that send no report: qmail, old Exim,
// and programs of somebody's own. What they say is for people.

var (
	daemonName = regexp.MustCompile(`(?i)\b(mailer-daemon|mail delivery (sub)?system|postmaster)\b`)
	// What such mails are called, where a null sender says that they may be some.
	bounceTitle = regexp.MustCompile(`(?i)undeliver|not be delivered|non.?deliver|delivery (status|fail|problem|notification|has failed)|fail(ed|ure) (notice|delivery|permanent)|returned mail|mail (system|delivery) (error|fail)|non (remis|distribu)|no entregado|unzustellbar`)
	// Where they begin to repeat the letter.
	copyLine = regexp.MustCompile(`(?mi)^[ >]*-{2,} ?(below this line|this is a copy|original message|the original|undelivered message|returned message|body of|message header|forwarded)|^(return-path|received): `)
)

// isBounce reports whether a mail without a report is a bounce nonetheless.
func (m *mail) isBounce() bool {
	switch {
	case m.header["x-failed-recipients"] != "": // Exim, Gmail
		return true
	case daemonName.MatchString(m.header["from"]):
		return true
	case strings.Contains(m.words, "This is the qmail-send program"):
		return true
	}
	return m.from == "" && bounceTitle.MatchString(m.header["subject"])
}

// readWords says what a bounce in words means for one address. It believes
// nothing but one single code of RFC 3463 that stands in one paragraph with the
// address; everything else is odd.
func readWords(words, addressee string) (kind convened.ReturnKind, r report) {
	if at := copyLine.FindStringIndex(words); at != nil {
		words = words[:at[0]]
	}
	odd := report{text: oneLine(words)}
	for paragraph := range strings.SplitSeq(strings.ReplaceAll(words, "\r\n", "\n"), "\n\n") {
		if addressee == "" || !strings.Contains(strings.ToLower(paragraph), addressee) {
			continue
		}
		odd.text = oneLine(paragraph)
		var codes []string
		for line := range strings.Lines(paragraph) {
			for word := range strings.FieldsSeq(line) {
				if code := enhancedIn(word); code != "" && !slices.Contains(codes, code) {
					codes = append(codes, code)
				}
			}
		}
		if len(codes) != 1 {
			continue
		}
		r = report{recipient: addressee, status: codes[0], text: odd.text}
		switch {
		case codes[0][0] == '4':
			return convened.SoftBounce, r
		case codes[0][0] == '5' && mailer.CauseOf(codes[0]) != "":
			return convened.HardBounce, r
		}
	}
	return convened.OddBounce, odd
}
