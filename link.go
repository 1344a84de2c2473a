package convened

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// A Keyring holds the secrets that links to the registrant's pages are signed
// with. The first key signs; all of them verify, so that a rotation leaves the
// links in mails already sent alive.
type Keyring []Key

// A Key is a row of convened.keys.
type Key struct {
	ID     uint32 // appears in the token
	Secret []byte // 32 random bytes
}

// ErrToken is returned for a token that was not made by this keyring.
var ErrToken = errors.New("this link is not valid")

const macSize = 16 // 128 bits: nobody guesses one, and the URL stays short

// Token returns the opaque, URL-safe name of a registration in links. It holds
// no address, and the same registration has the same token as long as the key
// is not rotated (a retry is the same letter). It panics on an empty keyring.
func (k Keyring) Token(id RegistrationID) string { return k.token(linkPurpose, id) }

// FeedToken is Token for the address of a calendar feed: neither opens what the
// other does, because a feed is handed to a calendar service, and a page can give up
// a seat.
func (k Keyring) FeedToken(id RegistrationID) string { return k.token(feedPurpose, id) }

// What a token is for.
const (
	linkPurpose = "registrant link\x00"
	feedPurpose = "calendar feed\x00"
)

func (k Keyring) token(purpose string, id RegistrationID) string {
	b := binary.BigEndian.AppendUint32(nil, k[0].ID)
	b = binary.BigEndian.AppendUint64(b, uint64(id))
	return base64.RawURLEncoding.EncodeToString(append(b, k[0].mac(purpose, b)...))
}

// Registration returns whose link a token is. Its error is ErrToken, whatever
// is wrong with it.
func (k Keyring) Registration(token string) (RegistrationID, error) {
	return k.open(linkPurpose, token)
}

// Feed returns whose feed a token of FeedToken is. Its error is ErrToken, whatever is
// wrong with it.
func (k Keyring) Feed(token string) (RegistrationID, error) { return k.open(feedPurpose, token) }

func (k Keyring) open(purpose, token string) (RegistrationID, error) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 12+macSize || base64.RawURLEncoding.EncodeToString(b) != token {
		// The decoder is lenient: it skips line ends and ignores the last four bits.
		return 0, ErrToken
	}
	for _, key := range k {
		if key.ID == binary.BigEndian.Uint32(b) && hmac.Equal(b[12:], key.mac(purpose, b[:12])) {
			return RegistrationID(binary.BigEndian.Uint64(b[4:])), nil
		}
	}
	return 0, ErrToken
}

func (k Key) mac(purpose string, b []byte) []byte {
	h := hmac.New(sha256.New, k.Secret)
	h.Write([]byte(purpose))
	h.Write(b)
	return h.Sum(nil)[:macSize]
}

// String hides the secrets from logs.
func (k Keyring) String() string { return fmt.Sprintf("keyring of %d", len(k)) }
