package config

import (
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Source returns database.url with the password in it, in the form that lib/pq
// reads: hosts and ports as parameters, sslmode always written out.
func (d Database) Source() string { return d.source(d.URL) }

// DirectSource is Source for direct_url, and Source itself where there is none.
func (d Database) DirectSource() string {
	if d.DirectURL == "" {
		return d.source(d.URL)
	}
	return d.source(d.DirectURL)
}

func (d Database) source(text string) string {
	a, err := parseDatabaseURL(text)
	if err != nil {
		// Load has refused it; a Config made by hand gets what it wrote.
		return text
	}
	if d.Password != "" {
		a.password, a.hasPassword = d.Password.Reveal(), true
	}
	return a.String()
}

// A databaseURL is a postgres:// URL taken apart. net/url alone does not do:
// it refuses several hosts with ports, and sockets written as a host.
type databaseURL struct {
	user        string
	password    string
	hasPassword bool
	hosts       []string // names, addresses, or absolute paths of socket directories
	ports       []string // none, one for all, or as many as hosts
	name        string   // of the database
	params      url.Values
}

func parseDatabaseURL(text string) (*databaseURL, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || scheme != "postgres" && scheme != "postgresql" {
		return nil, &Invalid{"is not a postgres:// URL", "write postgres://USER@HOST/DATABASE?sslmode=verify-full"}
	}
	rest, query, _ := strings.Cut(rest, "?")
	params, err := url.ParseQuery(query)
	if err != nil || strings.Contains(rest, "#") || strings.Contains(query, "#") {
		return nil, &Invalid{"is a URL with parameters that can't be read", "write them as ?name=value&name=value, with % and # as %25 and %23"}
	}
	authority, name, _ := strings.Cut(rest, "/")
	d := &databaseURL{params: params}
	if d.name, err = url.PathUnescape(name); err != nil || strings.Contains(d.name, "/") {
		return nil, &Invalid{"is a URL with a database name that can't be read", "write postgres://USER@HOST/DATABASE?sslmode=verify-full"}
	}
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		user, password, has := strings.Cut(authority[:at], ":")
		authority = authority[at+1:]
		if d.user, err = url.PathUnescape(user); err != nil {
			return nil, &Invalid{"is a URL with a user that can't be read", "write % as %25"}
		}
		if d.password, err = url.PathUnescape(password); err != nil {
			return nil, &Invalid{"is a URL with a password that can't be read", "put it into database.password_file"}
		}
		d.hasPassword = has
	}
	if err := d.readHosts(authority); err != nil {
		return nil, err
	}
	return d, nil
}

// readHosts takes the hosts from between @ and /, or from the host parameter.
func (d *databaseURL) readHosts(authority string) error {
	if authority != "" {
		for part := range strings.SplitSeq(authority, ",") {
			host, port, err := splitHostPort(part)
			if err != nil {
				return err
			}
			d.hosts, d.ports = append(d.hosts, host), append(d.ports, port)
		}
	}
	if h := d.params.Get("host"); h != "" {
		if len(d.hosts) > 0 {
			return &Invalid{"is a URL that names the host twice, after // and as a parameter", "keep one of them"}
		}
		d.hosts = strings.Split(h, ",")
	}
	if p := d.params.Get("port"); p != "" {
		d.ports = strings.Split(p, ",")
	}
	if len(d.hosts) == 0 {
		return &Invalid{"is a URL without a host", "write postgres://USER@HOST/DATABASE?sslmode=verify-full, or host=/run/postgresql as a parameter"}
	}
	if slices.Contains(d.hosts, "") {
		return &Invalid{"is a URL with an empty host", "write a name between the commas"}
	}
	if !slices.ContainsFunc(d.ports, func(p string) bool { return p != "" }) {
		d.ports = nil
	}
	for i, p := range d.ports {
		if p == "" {
			p, d.ports[i] = "5432", "5432"
		}
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return &Invalid{"is a URL with a port that is not a number from 1 to 65535", "write 5432, or leave the port out"}
		}
	}
	if n := len(d.ports); n > 1 && n != len(d.hosts) {
		return &Invalid{"is a URL with another number of ports than of hosts", "write HOST:PORT for each"}
	}
	d.params.Del("host")
	d.params.Del("port")
	return nil
}

func splitHostPort(part string) (host, port string, err error) {
	bad := &Invalid{"is a URL with a host that can't be read", "write HOST:PORT, with an IPv6 address in brackets"}
	host = part
	if inside, after, ok := strings.Cut(part, "]"); ok && strings.HasPrefix(part, "[") {
		host = inside[1:]
		if _, err := netip.ParseAddr(host); err != nil || after != "" && !strings.HasPrefix(after, ":") {
			return "", "", bad
		}
		return host, strings.TrimPrefix(after, ":"), nil
	}
	if i := strings.LastIndex(part, ":"); i >= 0 {
		host, port = part[:i], part[i+1:]
	}
	host, unescapeErr := url.PathUnescape(host)
	if unescapeErr != nil || !isSocket(host) && host != "" && !isHost(host) {
		return "", "", bad
	}
	return host, port, nil
}

// String writes the URL so that lib/pq reads it.
func (d *databaseURL) String() string {
	u := url.URL{Scheme: "postgres", Path: "/" + d.name}
	switch {
	case d.hasPassword:
		u.User = url.UserPassword(d.user, d.password)
	case d.user != "":
		u.User = url.User(d.user)
	}
	q := url.Values{}
	for name, values := range d.params {
		q[name] = values
	}
	q.Set("host", strings.Join(d.hosts, ","))
	if len(d.ports) > 0 {
		q.Set("port", strings.Join(d.ports, ","))
	}
	if q.Get("sslmode") == "" {
		// Only sockets get here without one.
		q.Set("sslmode", "disable")
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// checkTLS refuses a connection that others could read or answer in the
// server's place.
func (d *databaseURL) checkTLS() error {
	mode, local, sockets := d.params.Get("sslmode"), true, true
	hosts := d.hosts
	if a := d.params.Get("hostaddr"); a != "" {
		hosts = append(slices.Clone(hosts), strings.Split(a, ",")...)
	}
	for _, h := range hosts {
		sockets = sockets && isSocket(h)
		local = local && (isSocket(h) || isLoopback(h))
	}
	modes := []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
	switch {
	case mode == "verify-full" || mode == "" && sockets:
		return nil
	case mode == "" && local:
		return &Invalid{"is a URL without sslmode, which is always written out", "add sslmode=disable, since the server is on this machine"}
	case mode == "":
		return &Invalid{"is a URL without sslmode, which is always written out", "add sslmode=verify-full"}
	case !slices.Contains(modes, mode):
		return &Invalid{"is a URL with an sslmode that Postgres does not know", "write sslmode=verify-full"}
	case !local:
		return &Invalid{"is a URL with sslmode=" + mode + ", which lets others read along or pose as the server",
			"write sslmode=verify-full (and sslrootcert=FILE for a certificate authority of your own)"}
	}
	return nil
}

// isSocket reports whether a database host is the directory of a Unix socket,
// or an abstract one.
func isSocket(host string) bool { return path.IsAbs(host) || strings.HasPrefix(host, "@") }

// isLoopback reports whether a host name or address is this machine by its
// form alone; no name is looked up.
func isLoopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.Unmap().IsLoopback()
}

// isHost reports whether text has the form of a host name or an address.
func isHost(text string) bool {
	if net.ParseIP(strings.Trim(text, "[]")) != nil {
		return true
	}
	text = strings.TrimSuffix(text, ".")
	if text == "" || len(text) > 253 {
		return false
	}
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			// Names in other scripts are for the resolver to judge.
			if r < 0x80 && r != '-' && r != '_' && !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9') {
				return false
			}
			if r == 0x2028 || r == 0x2029 || r == 0xfffd {
				return false
			}
		}
	}
	return true
}

// maskURL hides the password of a database URL; all of it, where it can't be
// told apart.
func maskURL(text string) string {
	d, err := parseDatabaseURL(text)
	if err != nil {
		if !strings.Contains(text, "@") && !strings.Contains(strings.ToLower(text), "pass") {
			return text
		}
		return redact(text[:min(len(text), strings.IndexAny(text+":", ":@=?"))] + "…")
	}
	masked := text
	if d.hasPassword {
		scheme, rest, _ := strings.Cut(masked, "://")
		// The authority ends at the first slash or question mark, the
		// password at the last @ within it.
		end := strings.IndexAny(rest+"/", "/?")
		at := strings.LastIndex(rest[:end], "@")
		user, _, _ := strings.Cut(rest[:at], ":")
		masked = scheme + "://" + user + ":***" + rest[at:]
	}
	return namedPassword.ReplaceAllString(masked, "$1***")
}
