package desk

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// A Cost is what one guess at a password costs (RFC 9106 3.1).
type Cost struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// UsualCost is the second of the two that RFC 9106 4 recommends, with fewer threads:
// 64 MiB for each guess.
var UsualCost = Cost{Memory: 64 << 10, Passes: 3, Threads: 2}

// The lengths of what is kept, in bytes (RFC 9106 3.1).
const (
	saltBytes = 16
	hashBytes = 32
)

// The lengths of a password in characters, and in bytes at most. There is no other
// rule (NIST SP 800-63B 3.1.1.2): a sentence is as good as a jumble.
const (
	leastPassword = 12
	mostPassword  = 1024
)

// CheckPassword says what is wrong with a password that somebody wants to have; nil
// if nothing is. The error doesn't repeat it.
func CheckPassword(password string) error {
	switch {
	case !utf8.ValidString(password):
		return errors.New("the password is not UTF-8")
	case utf8.RuneCountInString(password) < leastPassword:
		return fmt.Errorf("the password has fewer than %d characters; some words in a row will do", leastPassword)
	case len(password) > mostPassword:
		return fmt.Errorf("the password has more than %d bytes", mostPassword)
	}
	return nil
}

// guesses bounds how many hashes are made at one time, and so the memory that they
// take, however many people sign in.
var guesses = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

// derive makes the hash of a password, or gives up when ctx is done.
func derive(ctx context.Context, password string, salt []byte, c Cost, size uint32) ([]byte, error) {
	select {
	case guesses <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-guesses }()
	return argon2.IDKey([]byte(password), salt, c.Passes, c.Memory, c.Threads, size), nil
}

// hashPassword returns the argon2id hash of a password with its parameters, in the
// form that the PHC has given it: $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func hashPassword(ctx context.Context, password string, c Cost) (string, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // crypto/rand never fails: it crashes the program instead
	sum, err := derive(ctx, password, salt, c, hashBytes)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Passes, c.Threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)), nil
}

// checkHash reports whether a password is the one that a hash was made of, and what
// the hash has cost.
func checkHash(ctx context.Context, password, hash string) (bool, Cost, error) {
	var c Cost
	var version int
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, c, errors.New("the hash of a password is not one of argon2id")
	}
	_, err1 := fmt.Sscanf(parts[2], "v=%d", &version)
	_, err2 := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Passes, &c.Threads)
	salt, err3 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err4 := base64.RawStdEncoding.DecodeString(parts[5])
	if err := errors.Join(err1, err2, err3, err4); err != nil || version != argon2.Version || c.Passes == 0 || c.Threads == 0 || len(want) == 0 {
		return false, c, fmt.Errorf("the hash of a password can't be read: %w", err)
	}
	got, err := derive(ctx, password, salt, c, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, c, err
}
