package mailer

import (
	"bufio"
	"bytes"
	"io"
	"mime"
	"net/mail"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	gomessage "github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
	"github.com/jhillyerd/enmime/v2"

	"convened"
	"convened/address"
)

// fieldsOf is what the header of a letter may hold: each once, those with true
// always. Sender is allowed and not needed.
var fieldsOf = map[string]bool{
	"Dkim-Signature": true, "Date": true, "From": true, "To": true, "Reply-To": true, "Subject": true, "Message-Id": true,
	"Mime-Version": true, "Content-Type": true, "Auto-Submitted": true, "X-Auto-Response-Suppress": true, "Feedback-Id": true,
	"Content-Language": true, "X-Mailer": true, "X-Convened-Kind": true, "X-Convened-Event": true, "X-Convened-Notice": true,
	"List-Unsubscribe": true, "List-Unsubscribe-Post": true, "In-Reply-To": false, "References": false,
}

var (
	encodedWord  = regexp.MustCompile(`=\?[^?\s]*\?[^?\s]*\?[^?\s]*\?=`)
	unsubscribe  = regexp.MustCompile(`^<https://[^\s<>,]+>$`)
	displayName  = regexp.MustCompile(`^("([^"\\]|\\.)*"|=\?\S+\?=(\s+=\?\S+\?=)*) <\S+>$`)
	bareMailbox  = regexp.MustCompile(`^<\S+>$`)
	methodInBody = regexp.MustCompile(`(?m)^METHOD:(\w+)\r$`)
)

// checkLetter holds a letter against what every letter must be: its lines, its
// header, its parts, as other people's parsers read them.
func checkLetter(t testing.TB, claim *convened.Claim, l *Letter) {
	t.Helper()
	checkLines(t, l)
	header := checkHeader(t, claim, l)
	checkParts(t, claim, l, header)

	// A second parser, which is strict where the first is not.
	env, err := enmime.ReadEnvelope(bytes.NewReader(l.Data))
	if err != nil {
		t.Fatalf("enmime: %v", err)
	}
	for _, e := range env.Errors {
		t.Errorf("enmime: %v", e)
	}
	if env.Text == "" || env.HTML == "" {
		t.Error("enmime finds no text or no HTML")
	}
	wantAttached := 0
	if carriesInvitation(l.Kind) {
		wantAttached = 1
	}
	if len(env.Attachments) != wantAttached || len(env.Inlines) != 0 {
		t.Errorf("enmime finds %d attachments and %d inlines, want %d and 0", len(env.Attachments), len(env.Inlines), wantAttached)
	}
	if got := env.GetHeader("Subject"); got == "" || strings.ContainsFunc(got, unicode.IsControl) {
		t.Errorf("the subject is %q", got)
	}
}

func checkLines(t testing.TB, l *Letter) {
	t.Helper()
	if _, err := stuffDots(l.Data); err != nil {
		t.Error(err)
	}
	head, body, _ := bytes.Cut(l.Data, []byte("\r\n\r\n"))
	for _, line := range strings.Split(string(head), "\r\n") {
		// A word that can't be divided, such as a URL, has a line of its own.
		if len(line) > 78 && (!strings.HasPrefix(line, " ") || strings.Contains(strings.TrimSpace(line), " ")) {
			t.Errorf("header line of %d octets: %q", len(line), line)
		}
		if strings.TrimSpace(line) == "" {
			t.Errorf("empty line in the header: %q", line)
		}
		for _, w := range encodedWord.FindAllString(line, -1) {
			d, err := new(mime.WordDecoder).Decode(w)
			if len(w) > 75 || err != nil || !utf8.ValidString(d) {
				t.Errorf("encoded word %q is %q, %v", w, d, err)
			}
		}
		if !l.SMTPUTF8 && strings.ContainsFunc(line, func(r rune) bool { return r >= 0x80 }) {
			t.Errorf("header line beyond ASCII: %q", line)
		}
	}
	for _, line := range strings.Split(string(body), "\r\n") {
		if len(line) > 78 {
			t.Errorf("body line of %d octets: %q", len(line), line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r >= 0x7f || r < ' ' && r != '\t' }) {
			t.Errorf("body line that is not plain ASCII: %q", line)
		}
	}
}

func checkHeader(t testing.TB, claim *convened.Claim, l *Letter) textproto.MIMEHeader {
	t.Helper()
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(l.Data))).ReadMIMEHeader()
	if err != nil {
		t.Fatalf("read header: %v", err)
	}
	for name, values := range h {
		if _, allowed := fieldsOf[name]; !allowed || len(values) != 1 {
			t.Errorf("the header has %d %s: %q", len(values), name, values)
		}
	}
	// The organiser has nothing to unsubscribe from.
	toOrganiser := l.Kind == convened.Preflight
	for name, always := range fieldsOf {
		if toOrganiser && strings.HasPrefix(name, "List-") {
			always = false
		}
		if always && len(h[name]) == 0 {
			t.Errorf("the header has no %s", name)
		}
	}
	for name, want := range map[string]string{
		"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply", "Mime-Version": "1.0",
		"List-Unsubscribe-Post": map[bool]string{false: "List-Unsubscribe=One-Click"}[toOrganiser], "X-Convened-Kind": string(l.Kind), "Message-Id": "<" + l.MessageID + ">",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := h.Get("List-Unsubscribe"); toOrganiser != (got == "") || !toOrganiser && (!unsubscribe.MatchString(got) || strings.Contains(got, "@")) {
		t.Errorf("List-Unsubscribe is %q", got)
	}
	if !displayName.MatchString(h.Get("From")) {
		t.Errorf("From is %q, without a name", h.Get("From"))
	}
	// net/mail is a third parser of these.
	for name, want := range map[string]string{"From": "", "To": l.To, "Reply-To": ""} {
		if v := h.Get(name); !displayName.MatchString(v) && !bareMailbox.MatchString(v) {
			t.Errorf("%s is %q", name, v)
		}
		list, err := mail.ParseAddressList(h.Get(name))
		if err != nil || len(list) != 1 || want != "" && list[0].Address != want {
			t.Errorf("%s is %v, %v; want %q alone", name, list, err, want)
			continue
		}
		if a, err := address.Parse(list[0].Address); err != nil || a.String() != list[0].Address {
			t.Errorf("%s is %q, which is %v, %v", name, list[0].Address, a, err)
		}
		if strings.ContainsFunc(list[0].Name, unicode.IsControl) {
			t.Errorf("%s has the name %q", name, list[0].Name)
		}
	}
	if _, err := mail.ParseDate(h.Get("Date")); err != nil {
		t.Errorf("Date is %q: %v", h.Get("Date"), err)
	}
	for _, name := range []string{"In-Reply-To", "References"} {
		want := ""
		if claim.ThreadID != "" && claim.ThreadID != l.MessageID {
			want = "<" + claim.ThreadID + ">"
		}
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	return h
}

// A node is a MIME part as go-message reads it.
type node struct {
	typ         string
	params      map[string]string
	header      gomessage.Header
	transfer    string
	children    []node
	body        []byte
	disposition string
}

func parse(t testing.TB, e *gomessage.Entity) node {
	t.Helper()
	typ, params, err := e.Header.ContentType()
	if err != nil {
		t.Fatalf("Content-Type: %v", err)
	}
	disposition, _, _ := e.Header.ContentDisposition()
	n := node{typ: typ, params: params, header: e.Header, transfer: e.Header.Get("Content-Transfer-Encoding"), disposition: disposition}
	if mr := e.MultipartReader(); mr != nil {
		for {
			p, err := mr.NextPart()
			if err == io.EOF {
				return n
			}
			if err != nil {
				t.Fatalf("next part of %s: %v", typ, err)
			}
			n.children = append(n.children, parse(t, p))
		}
	}
	if n.body, err = io.ReadAll(e.Body); err != nil {
		t.Fatalf("read %s: %v", typ, err)
	}
	return n
}

func (n node) types() []string {
	var types []string
	for _, c := range n.children {
		types = append(types, c.typ)
	}
	return types
}

func checkParts(t testing.TB, claim *convened.Claim, l *Letter, h textproto.MIMEHeader) {
	t.Helper()
	e, err := gomessage.Read(bytes.NewReader(l.Data))
	if err != nil {
		t.Fatalf("go-message: %v", err)
	}
	root := parse(t, e)
	alternative, want := root, []string{"text/plain", "text/html"}
	if carriesInvitation(l.Kind) {
		if got := root.types(); root.typ != "multipart/mixed" || !slices.Equal(got, []string{"multipart/alternative", "application/ics"}) {
			t.Fatalf("the letter is %s of %q", root.typ, got)
		}
		alternative, want = root.children[0], append(want, "text/calendar")
		checkInvitationParts(t, claim, root)
	}
	if got := alternative.types(); alternative.typ != "multipart/alternative" || !slices.Equal(got, want) {
		t.Fatalf("the alternatives are %s of %q, want %q", alternative.typ, got, want)
	}
	for _, p := range alternative.children {
		if !strings.EqualFold(p.params["charset"], "utf-8") || !utf8.Valid(p.body) {
			t.Errorf("%s is in %q", p.typ, p.params["charset"])
		}
		if p.transfer != "quoted-printable" && p.transfer != "base64" {
			t.Errorf("%s is encoded as %q", p.typ, p.transfer)
		}
		if p.header.Has("Content-Disposition") || p.header.Has("Content-Id") {
			t.Errorf("%s has a name or an id", p.typ)
		}
	}
	if root.params["boundary"] == alternative.params["boundary"] && root.typ != alternative.typ {
		t.Error("two levels have one boundary")
	}
	link := strings.Trim(h.Get("List-Unsubscribe"), "<>")
	for _, p := range alternative.children[:2] {
		if !strings.Contains(string(p.body), link) {
			t.Errorf("%s shows no way to unsubscribe", p.typ)
		}
	}
}

func checkInvitationParts(t testing.TB, claim *convened.Claim, root node) {
	t.Helper()
	inline, attached := root.children[0].children[len(root.children[0].children)-1], root.children[1]
	want := "REQUEST"
	if claim.Off() {
		want = "CANCEL"
	}
	if got := inline.params["method"]; got != want {
		t.Errorf("method= is %q, want %q", got, want)
	}
	if m := methodInBody.FindSubmatch(inline.body); m == nil || string(m[1]) != want {
		t.Errorf("METHOD is %q, want %q", m, want)
	}
	if !bytes.Equal(inline.body, attached.body) {
		t.Error("the attached invitation is another")
	}
	if _, has := attached.params["method"]; has || attached.params["name"] != "invite.ics" || attached.disposition != "attachment" || attached.transfer != "base64" {
		t.Errorf("the attachment is %v, %s, %s", attached.params, attached.disposition, attached.transfer)
	}
}

// What is taken for clean without a closer look is what the closer look leaves as
// it is.
func TestACleanLineIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	for c := range rune(0x300) {
		for _, s := range []string{string(c), "a" + string(c) + "b", " a" + string(c), "a " + string(c), string(c) + " ", "a  " + string(c), "a" + string([]byte{byte(c)}), strings.Repeat(string(c), 70)} {
			if got, want := cleanLine(s, maxName), cleanedLine(s, maxName); got != want {
				t.Errorf("cleanLine(%q) = %q, want %q", s, got, want)
			}
		}
	}
}

func TestAMessageIDBeginsAsItsUIDDoes(t *testing.T) {
	t.Parallel()
	for uid, want := range map[string]string{
		"0192f3c8-6a5e-7c1d-9b40-3f2a1e5d7c86": "0192f3c86a5e", "0192F3C8-6A5E-7C1D-9B40-3F2A1E5D7C86": "0192f3c86a5e", "abcdefabcdef": "abcdefabcdef", "-a-b-c-d-e-f-0-1-2-3-4-5-": "abcdef012345",
		"": "", "abcdef": "", "abcdefabcdefa": "", "0192f3c8-6a5e-7c1d-9b40-3f2a1e5d7c8g": "", "abcdefabcdéf": "", "abcdef abcdef": "", "@abcdefabcdef": "", "Kabcdefabcdefa": "",
	} {
		var got [12]byte
		if ok := beginningOf(&got, uid); ok != (want != "") || ok && string(got[:]) != want {
			t.Errorf("beginningOf(%q) = %q, %v, want %q", uid, got, ok, want)
		}
	}
}
