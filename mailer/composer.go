package mailer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"time"

	"convened"
	"convened/address"
	"convened/calendar"
	"convened/templates"
)

// ComposerOptions say on whose behalf letters are written.
type ComposerOptions struct {
	From         string           // smtp.from: "Name <a@b>"; a bare address is named after its domain
	ReplyTo      string           // smtp.reply_to, for events whose organiser has no address; "" is From
	BounceDomain string           // smtp.bounce_domain: where mail to bounce+… arrives; "" lets bounces go to From
	PublicURL    string           // public.url: https, without the path that a link goes on with
	Keys         convened.Keyring // signs links and return paths; at least one
	Templates    *templates.Set   // nil: the built-in ones
	Signer       *Signer          // nil: unsigned
	Version      string           // of the program, for X-Mailer; "" is not said
}

// A Composer makes letters. It is safe for use by many goroutines.
type Composer struct {
	from      mailbox
	replyTo   mailbox
	bounce    string // the bounce domain as an A-label, or ""
	publicURL string // without a final slash
	keys      convened.Keyring
	seal      *convened.Seal // of the first of them
	signer    *Signer
	mailer    string // X-Mailer
	sender    string // the last field of Feedback-ID

	render  func(time.Time, *convened.Claim, templates.Links) (templates.Content, error)
	outline func(time.Time, *convened.Claim, templates.Links, string) (*templates.Form, error)
	forms   formCase
}

// maxLetter bounds a letter, in bytes. The built-in ones have 30,000; what is larger than
// this has a novel for a description, and no relay should have to say so.
const maxLetter = 1 << 20

// NewComposer checks the options. Its error names the keys of the
// configuration, all that are wrong at once.
func NewComposer(o ComposerOptions) (*Composer, error) {
	var wrong []error
	bad := func(key string, err error) {
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", key, err))
		}
	}
	c := &Composer{keys: o.Keys, signer: o.Signer, mailer: strings.TrimSpace("convened " + cleanLine(o.Version, 40))}
	var err error
	c.from, err = parseMailbox(o.From)
	bad("smtp.from", err)
	if c.from.name == "" {
		c.from.name = c.from.Domain
	}
	if c.replyTo = c.from; o.ReplyTo != "" {
		c.replyTo, err = parseMailbox(o.ReplyTo)
		bad("smtp.reply_to", err)
	}
	if o.BounceDomain != "" {
		a, err := address.Parse("bounce@" + o.BounceDomain)
		bad("smtp.bounce_domain", err)
		c.bounce = a.Domain
	}
	c.publicURL, err = checkPublicURL(o.PublicURL)
	bad("public.url", err)
	bad("convened.keys", checkKeys(o.Keys))
	if o.Signer != nil && c.from.Domain != "" && !aligned(o.Signer.domain, c.from.Domain) {
		bad("smtp.dkim.domain", fmt.Errorf("%q is not the domain of smtp.from, %q, nor above or below it: receivers would not count the signature",
			o.Signer.domain, c.from.Domain))
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	c.seal = c.keys.Seal()
	sum := sha256.Sum256([]byte(c.from.Domain))
	c.sender = "convened" + hex.EncodeToString(sum[:])[:7]
	set := o.Templates
	if set == nil {
		set = templates.Builtin()
	}
	c.render, c.outline = set.Render, set.Form
	return c, nil
}

// checkPublicURL wants what RFC 8058 wants of a List-Unsubscribe URL: https.
// Plain http is let through for this machine itself, where nobody else clicks.
func checkPublicURL(s string) (string, error) {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return "", errors.New("is missing; links in letters begin with it, such as https://events.example.org")
	case err != nil || u.Host == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' }):
		return "", fmt.Errorf("%q is not a URL such as https://events.example.org", s)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return "", fmt.Errorf("%q must have no user, query or fragment: links go on behind it", s)
	case u.Scheme == "https", u.Scheme == "http" && isLocalURL(u):
		return strings.TrimRight(s, "/"), nil
	}
	return "", fmt.Errorf("%q must begin with https://: mailbox providers ignore other links to unsubscribe", s)
}

func isLocalURL(u *url.URL) bool {
	a, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && a.IsLoopback()
}

func checkKeys(keys convened.Keyring) error {
	if len(keys) == 0 {
		return errors.New("there is none to sign links with; convened migrate makes one")
	}
	for _, k := range keys {
		if len(k.Secret) < 16 {
			return fmt.Errorf("key %d is too short to sign links with; convened keys rotate makes another", k.ID)
		}
	}
	return nil
}

// aligned is DMARC's relaxed alignment (RFC 7489 3.1.1), as far as it can be
// told without a list of public suffixes.
func aligned(d, from string) bool {
	return d == from || strings.HasSuffix(from, "."+d) && strings.Contains(d, ".") || strings.HasSuffix(d, "."+from)
}

// A mailbox is an address and the name before it.
type mailbox struct {
	name string // cleaned
	address.Address
}

// parseMailbox reads "Name <a@b>" or a@b from the configuration.
func parseMailbox(s string) (mailbox, error) {
	if strings.TrimSpace(s) == "" {
		return mailbox{}, errors.New(`is missing; write it as "Name <a@example.org>"`)
	}
	m, err := mail.ParseAddress(s)
	if err != nil {
		return mailbox{}, fmt.Errorf(`%q is not of the form "Name <a@example.org>"`, s)
	}
	a, err := address.Parse(m.Address)
	if err != nil {
		return mailbox{}, fmt.Errorf("%q: %w", s, err)
	}
	if a.NeedsSMTPUTF8() {
		return mailbox{}, fmt.Errorf("%q must be ASCII before the @, or most servers refuse every letter", s)
	}
	return mailbox{cleanLine(m.Name, maxName), a}, nil
}

// Compose makes the letter of a claim. now goes into its Date and its signature,
// and the templates may say how far off the event is.
//
// An error that wraps convened.ErrRefused is for good: no address, or a letter
// that can't exist. Any other may be mended, in a template above all. A panic
// below becomes such an error. No error holds an address.
func (c *Composer) Compose(now time.Time, claim *convened.Claim) (*Letter, error) {
	l, err := c.Draft(now, claim)
	if err == nil {
		l.Write()
	}
	return l, err
}

// Draft is Compose, but may leave Data nil, to be written when the letter is sent,
// or by Write: what is one reader's own takes little room until then. It can't fail
// any more.
func (c *Composer) Draft(now time.Time, claim *convened.Claim) (l *Letter, err error) {
	defer func() {
		if p := recover(); p != nil {
			// What is thrown may hold anything; Go's own words hold no address.
			if _, ok := p.(runtime.Error); !ok {
				p = fmt.Sprintf("%T", p)
			}
			l, err = nil, fmt.Errorf("compose letter: panic: %v", p)
		}
	}()
	if l, err = c.compose(now, claim); err != nil {
		return nil, fmt.Errorf("compose letter: %w", err)
	}
	return l, nil
}

// compose goes from what all letters of an event share to what is one person's:
// the envelope, the invitation, the words, the bytes, the signature.
func (c *Composer) compose(now time.Time, claim *convened.Claim) (*Letter, error) {
	to, err := recipient(claim)
	if err != nil {
		return nil, err
	}
	l := &Letter{
		Notice:    claim.Notice.ID,
		Attempt:   claim.Notice.Attempt,
		Kind:      claim.Notice.Kind,
		MessageID: c.messageID(claim),
		From:      c.returnPath(claim.Notice.ID),
		To:        to.String(),
		Domain:    to.Domain,
		SMTPUTF8:  to.NeedsSMTPUTF8(),
	}
	if !isMessageID(l.MessageID) {
		return nil, fmt.Errorf("%w: the notice has a Message-ID that is none", convened.ErrRefused)
	}
	token := c.token(claim)
	if !c.composeByForm(now, claim, l, to, token) {
		if err := c.write(now, claim, l, to, c.links(token)); err != nil {
			return nil, err
		}
	}
	if c.signer != nil {
		l.Write()
		signed, err := c.signer.sign(l.Data, now)
		if err != nil {
			return nil, err
		}
		l.Release()
		l.Data = signed
	}
	if l.draft != nil && l.draft.form.size < maxLetter/2 {
		return l, nil // what is a reader's own has not as much: see templates.Form.Fits
	}
	l.Write()
	if len(l.Data) > maxLetter {
		return nil, fmt.Errorf("%w: the letter has %d bytes, more than %d", convened.ErrRefused, len(l.Data), maxLetter)
	}
	return l, nil
}

// write writes the letter the long way: the invitation, the words, the bytes.
func (c *Composer) write(now time.Time, claim *convened.Claim, l *Letter, to mailbox, links templates.Links) error {
	m := message{tag: c.tag(l.MessageID)}
	var err error
	if carriesInvitation(l.Kind) {
		inv := c.invitation(claim, to, now)
		if m.invitation, err = inv.Encode(); err != nil {
			return err
		}
		m.method = inv.Method
		if m.method == calendar.Request {
			add := inv.Links()
			links.Google, links.Outlook, links.Yahoo = add.Google, add.Outlook, add.Yahoo
		}
	}
	content, err := c.render(now, claim, links)
	if err != nil {
		return err
	}
	m.text, m.html = content.Text, content.HTML
	m.fields = c.fields(now, claim, l, to, content, links)
	l.Data, err = m.bytes()
	return err
}

// recipient returns whom a claim's letter is for: the registrant, or the
// organiser for what is about the event.
func recipient(claim *convened.Claim) (mailbox, error) {
	email, name := claim.Registration.Email, claim.Registration.Name
	switch claim.Notice.Kind {
	case convened.Confirmation, convened.ReminderKind, convened.Update, convened.Cancellation, convened.Followup:
	case convened.Preflight:
		email, name = claim.Event.Organizer.Email, claim.Event.Organizer.Name
	default:
		return mailbox{}, fmt.Errorf("%w: there is no letter of this kind", convened.ErrRefused)
	}
	a, err := address.Parse(email)
	if err != nil {
		return mailbox{}, err
	}
	if name = cleanLine(name, maxName); holdsLink(name) {
		// Anybody can register anybody's address: a name must not be a way
		// to have this program mail advertisements to strangers.
		name = ""
	}
	return mailbox{name, a}, nil
}

// token returns what the reader's own links differ in from those of others. A
// letter to nobody registered has none.
func (c *Composer) token(claim *convened.Claim) string {
	if claim.Registration.ID == 0 {
		return ""
	}
	return c.seal.Token(claim.Registration.ID)
}

// links returns the links of a token.
func (c *Composer) links(token string) templates.Links {
	if token == "" {
		return templates.Links{}
	}
	page := c.publicURL + "/r/" + token
	return templates.Links{Manage: page, Cancel: page + "/cancel", Unsubscribe: string(c.appendUnsubscribe(nil, token))}
}

// appendUnsubscribe appends the link that is the way out. It is short, because it
// must stand on one line of 78 characters in List-Unsubscribe, where nothing can
// be folded.
func (c *Composer) appendUnsubscribe(b []byte, token string) []byte {
	return append(append(append(b, c.publicURL...), "/u/"...), token...)
}

// messageID returns the Message-ID (RFC 5322 3.6.4) that the notice has already,
// or derives it from the row: a retry is the same letter. It tells nothing
// about the person but the beginning of a random number.
func (c *Composer) messageID(claim *convened.Claim) string {
	if claim.Notice.MessageID != "" {
		return claim.Notice.MessageID
	}
	var tail [12]byte
	if !beginningOf(&tail, claim.Registration.UID) {
		sum := sha256.Sum256([]byte(claim.Event.Slug + "\x00" + claim.Registration.UID))
		hex.Encode(tail[:], sum[:6])
	}
	b := append(append(make([]byte, 0, 128), claim.Notice.Kind...), '.')
	b = append(strconv.AppendInt(b, int64(claim.Notice.ID), 10), '.')
	b = append(append(b, tail[:]...), '@')
	return string(append(b, c.from.Domain...))
}

// beginningOf sets tail to the beginning of the number that a UID is, in lower
// case; it reports false for one that is none.
func beginningOf(tail *[12]byte, uid string) bool {
	n := 0
	for i := range len(uid) {
		c := uid[i]
		switch {
		case c == '-':
			continue
		case 'A' <= c && c <= 'F':
			c += 'a' - 'A'
		case !('0' <= c && c <= '9' || 'a' <= c && c <= 'f'):
			return false
		}
		if n < len(tail) {
			tail[n] = c
		}
		n++
	}
	return n >= len(tail) && n%2 == 0
}

// tag returns what the letter's MIME boundaries are made of: the same for the
// same letter, and known to nobody who could write it into a text.
func (c *Composer) tag(messageID string) string {
	sum := c.seal.Sum("boundary\x00", []byte(messageID))
	return hex.EncodeToString(sum[:16])
}
