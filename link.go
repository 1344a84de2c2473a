package convened

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"
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
	return k.Seal().token(purpose, id)
}

// A Seal is a keyring's first key, made ready to sign for many. It is safe for
// concurrent use.
type Seal struct {
	key  Key
	free sync.Pool // of *signet
}

// A signet is the state of HMAC-SHA256 with a key. It is used again, because to key
// it costs as much as to sign.
type signet struct {
	hash.Hash
	in, out []byte
}

// Seal returns the seal of the first key. It panics on an empty keyring.
func (k Keyring) Seal() *Seal { return &Seal{key: k[0]} }

// Token is Keyring.Token.
func (s *Seal) Token(id RegistrationID) string { return s.token(linkPurpose, id) }

func (s *Seal) token(purpose string, id RegistrationID) string {
	var b [12 + macSize]byte
	binary.BigEndian.PutUint32(b[:], s.key.ID)
	binary.BigEndian.PutUint64(b[4:], uint64(id))
	sum := s.Sum(purpose, b[:12])
	copy(b[12:], sum[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Sum returns the HMAC-SHA256 of purpose and then b. A purpose ends with a NUL, so
// that what is signed for one is good for no other.
func (s *Seal) Sum(purpose string, b []byte) (sum [sha256.Size]byte) {
	m, _ := s.free.Get().(*signet)
	if m == nil {
		m = &signet{Hash: hmac.New(sha256.New, s.key.Secret)}
	}
	defer s.free.Put(m)
	m.Reset()
	m.in = append(append(m.in[:0], purpose...), b...)
	m.Write(m.in)
	m.out = m.Hash.Sum(m.out[:0])
	copy(sum[:], m.out)
	return sum
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
	for i, key := range k {
		if key.ID != binary.BigEndian.Uint32(b) {
			continue
		}
		if sum := k[i:].Seal().Sum(purpose, b[:12]); hmac.Equal(b[12:], sum[:macSize]) {
			return RegistrationID(binary.BigEndian.Uint64(b[4:])), nil
		}
	}
	return 0, ErrToken
}

// String hides the secrets from logs.
func (k Keyring) String() string { return fmt.Sprintf("keyring of %d", len(k)) }
