package mailer

import (
	"crypto/hmac"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"convened"
)

// The local part of a return path is bounce+N.MAC: the notice, and that it was
// this installation that wrote it. It holds no address, and stays below the 64
// octets of a local part whatever N is.
const (
	bouncePrefix  = "bounce+"
	returnMACSize = 10 // 80 bits: one guess an SMTP transaction
)

// returnPath returns the envelope sender of a notice's letter: an address of
// its own (VERP), so that a bounce says which letter it is about even if it
// says nothing else. Without a bounce domain, or a row, it is From's address.
func (c *Composer) returnPath(id convened.NoticeID) string {
	if c.bounce == "" || id == 0 {
		return c.from.String()
	}
	mac := returnMAC(c.seal, id)
	b := append(make([]byte, 0, 128), bouncePrefix...)
	b = append(strconv.AppendInt(b, int64(id), 10), '.')
	b = append(hex.AppendEncode(b, mac[:]), '@')
	return string(append(b, c.bounce...))
}

// ParseReturnPath returns the notice whose letter was sent with this envelope
// sender. It reports false for every address that this keyring did not make.
// Angle brackets, and the case that servers on the way may change, do not matter.
func (c *Composer) ParseReturnPath(addr string) (convened.NoticeID, bool) {
	addr = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(addr), "<"), ">"))
	local, domain, _ := strings.Cut(addr, "@")
	if c.bounce == "" || domain != c.bounce || !strings.HasPrefix(local, bouncePrefix) {
		return 0, false
	}
	number, sum, _ := strings.Cut(local[len(bouncePrefix):], ".")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || strconv.FormatInt(n, 10) != number {
		return 0, false
	}
	mac, err := hex.DecodeString(sum)
	if err != nil {
		return 0, false
	}
	for i := range c.keys {
		if want := returnMAC(c.keys[i:].Seal(), convened.NoticeID(n)); hmac.Equal(mac, want[:]) {
			return convened.NoticeID(n), true
		}
	}
	return 0, false
}

func returnMAC(s *convened.Seal, id convened.NoticeID) [returnMACSize]byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(id))
	sum := s.Sum("return path\x00", b[:])
	return [returnMACSize]byte(sum[:])
}
