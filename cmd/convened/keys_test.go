package main

import (
	"strings"
	"testing"

	"convened/store"
)

// Links in letters already sent stay alive, and new ones are signed anew.
func TestRotatingTheKeyKeepsOldLinksAlive(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	db, err := store.Open(store.Options{URL: s.url})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	before, err := db.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if out := s.must("keys", "rotate"); !strings.Contains(out, "signs from now on") {
		t.Errorf("it says %q", out)
	}
	after, err := db.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if id, err := after.Registration(before.Token(42)); err != nil || id != 42 {
		t.Errorf("an old link is %d, %v", id, err)
	}
	if len(after) != 2 || after.Token(42) == before.Token(42) {
		t.Errorf("there are %d keys, and the new one does not sign", len(after))
	}
}
