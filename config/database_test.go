package config

import (
	"net/url"
	"strings"
	"testing"
)

func TestSourceIsWhatTheDriverReads(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"postgres:///convened?host=/run/postgresql", "postgres:///convened?host=%2Frun%2Fpostgresql&sslmode=disable"},
		{"postgres://%2Frun%2Fpostgresql/convened", "postgres:///convened?host=%2Frun%2Fpostgresql&sslmode=disable"},
		{"postgresql://me@db.example.org/convened?sslmode=verify-full", "postgres://me@/convened?host=db.example.org&sslmode=verify-full"},
		{"postgres://me:p%40s%25s@db.example.org:6432/convened?sslmode=verify-full&sslrootcert=/etc/ca.pem",
			"postgres://me:p%40s%25s@/convened?host=db.example.org&port=6432&sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem"},
		{"postgres://a.example.org:5432,b.example.org:5433/x?sslmode=verify-full&target_session_attrs=read-write",
			"postgres:///x?host=a.example.org%2Cb.example.org&port=5432%2C5433&sslmode=verify-full&target_session_attrs=read-write"},
		{"postgres://a.example.org,b.example.org:5433/x?sslmode=verify-full", "postgres:///x?host=a.example.org%2Cb.example.org&port=5432%2C5433&sslmode=verify-full"},
		{"postgres://[::1]:5433/x?sslmode=disable", "postgres:///x?host=%3A%3A1&port=5433&sslmode=disable"},
		{"postgres://[::1]/x?sslmode=disable", "postgres:///x?host=%3A%3A1&sslmode=disable"},
		{"postgres://localhost/x?port=5440&sslmode=require", "postgres:///x?host=localhost&port=5440&sslmode=require"},
	} {
		d := Database{URL: c.url}
		if got := d.Source(); got != c.want {
			t.Errorf("Source of %s\n got %s\nwant %s", c.url, got, c.want)
		}
		if a, err := parseDatabaseURL(c.url); err != nil || a.checkTLS() != nil {
			t.Errorf("%s: %v", c.url, err)
		}
		// lib/pq goes through net/url first.
		if _, err := url.Parse(d.Source()); err != nil {
			t.Errorf("net/url refuses %s: %v", d.Source(), err)
		}
	}
}

func TestThePasswordOfTheFileGoesBeforeThatOfTheURL(t *testing.T) {
	d := Database{URL: "postgres://me:old@localhost/x?sslmode=disable", DirectURL: "postgres://me@localhost:5433/x?sslmode=disable", Password: "new"}
	if got, want := d.Source(), "postgres://me:new@/x?host=localhost&sslmode=disable"; got != want {
		t.Errorf("Source is %s, want %s", got, want)
	}
	if got, want := d.DirectSource(), "postgres://me:new@/x?host=localhost&port=5433&sslmode=disable"; got != want {
		t.Errorf("DirectSource is %s, want %s", got, want)
	}
}

func TestLoopbackIsKnownByItsForm(t *testing.T) {
	for host, want := range map[string]bool{"localhost": true, "LOCALHOST.": true, "db.localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true,
		"[::1]": true, "::ffff:127.0.0.1": true, "localhost.example.org": false, "127.0.0.1.example.org": false, "0.0.0.0": false, "10.0.0.1": false, "": false} {
		if got := isLoopback(host); got != want {
			t.Errorf("isLoopback(%q) is %v", host, got)
		}
	}
}

func TestMaskedURLsHoldNoPassword(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://u:hunter2@h/d?sslmode=disable":      "postgres://u:***@h/d?sslmode=disable",
		"postgres://u:hunter2@h:1,h2:2/d?x=a@b":         "postgres://u:***@h:1,h2:2/d?x=a@b",
		"postgres://u:hun@ter2@h/d":                     "postgres://u:***@h/d",
		"postgres://u@h/d?password=hunter2&sslmode=x":   "postgres://u@h/d?password=***",
		"postgres://u@h/d":                              "postgres://u@h/d",
		"postgres:u:hunter2@h/d":                        "postgres…",
		"host=h password=hunter2":                       "host…",
		"postgres://u:hunt/er2@h/d?sslmode=verify-full": "postgres…",
		"not a url": "not a url",
		"":          "",
	} {
		got := maskURL(url)
		if strings.Contains(got, "hunt") {
			t.Errorf("maskURL(%q) is %q, which holds the password", url, got)
		}
		if got != want {
			t.Errorf("maskURL(%q) is %q, want %q", url, got, want)
		}
	}
}
