//go:build linux

package main

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"convened/internal/lab"
)

// twoHosts makes the scenario's server a primary with a standby, and the daemons'
// URL one of both hosts. The standby follows by way of a proxy where there is one.
func (r *rig) twoHosts(synchronous bool, by *proxy) *lab.Postgres {
	o := lab.PostgresOptions{Fsync: true}
	if by != nil {
		o.Settings = map[string]string{"primary_conninfo": fmt.Sprintf("host=127.0.0.1 port=%d user=postgres password=%s sslmode=disable gssencmode=disable", by.port(), passwordOf(r.pg)),
			"wal_retrieve_retry_interval": "200ms"}
	}
	standby, err := r.pg.Standby(r.ctx, o)
	r.must(err)
	r.own = append(r.own, standby)
	if synchronous {
		r.sql(`ALTER SYSTEM SET synchronous_standby_names = '*'`)
		r.sql(`SELECT pg_reload_conf()`)
		r.until(20*time.Second, "the standby is synchronous", func() bool {
			return r.sql(`SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'`) == "1"
		})
	}
	u, err := url.Parse(r.tcp(0))
	r.must(err)
	v, err := url.Parse(standby.TCPURL(r.database))
	r.must(err)
	u.Host += "," + v.Host
	u.RawQuery += "&target_session_attrs=read-write"
	r.dbURL = u.String()
	r.configure()
	return standby
}

func passwordOf(pg *lab.Postgres) string {
	u, err := url.Parse(pg.TCPURL("postgres"))
	if err != nil {
		return ""
	}
	password, _ := u.User.Password()
	return password
}

func failoverSynchronous(r *rig) {
	r.onServer(lab.PostgresOptions{})
	r.stage(slowly(20 * time.Millisecond))
	standby := r.twoHosts(true, nil)
	r.start(start{})
	r.start(start{})
	r.register(r.people)
	r.mails(r.people/2, time.Minute)
	r.must(r.pg.Crash())
	died := time.Now()
	r.sleep(500 * time.Millisecond)
	r.pg = standby
	r.sql(`SELECT pg_promote()`)
	promoted := time.Now()
	took := r.flows(30 * time.Second)
	r.note("promoted %.1f s after the primary died with %d of %d letters taken; mail flowed %.1f s after that", promoted.Sub(died).Seconds(), r.taken.count(), r.people, took.Seconds())
	r.mails(r.people, 2*time.Minute)
}

func failoverWithLoss(r *rig) {
	r.set("lease", "5s")
	r.set("smtp.dot_timeout", "5s") // what was marked waits so long and two leases
	r.onServer(lab.PostgresOptions{})
	r.stage(slowly(20 * time.Millisecond))
	port := r.number(`SHOW port`)
	way, err := newProxy(fmt.Sprintf("127.0.0.1:%d", port))
	r.must(err)
	r.cleanups = append(r.cleanups, way.close)
	standby := r.twoHosts(false, way)
	r.start(start{})
	r.start(start{})
	r.register(r.people)
	// All registrations must have arrived: what is lost is what the daemon wrote.
	r.until(20*time.Second, "the standby follows", func() bool {
		out, err := query(r.ctx, standby.URL(r.database), `SELECT count(*) FROM convened.registrations WHERE planned_at IS NOT NULL`)
		return err == nil && out == strconv.Itoa(r.people)
	})
	r.mails(r.people/3, time.Minute)
	way.refuse()
	way.cut()
	before := r.taken.count()
	r.sleep(500 * time.Millisecond)
	r.must(r.pg.Crash())
	window := r.taken.count() - before
	r.pg = standby
	r.sql(`SELECT pg_promote()`)
	r.mails(r.people, 2*time.Minute)
	r.finish(2 * time.Minute)
	// What was on the wire or in the settler when the link was cut was not
	// written to the standby either.
	r.bound = window + 2*(100+connections)
	r.note("%d letters were taken while the standby was cut off; that many may come twice, and what was being settled", window)
}

// behindPgBouncer needs the program pgbouncer.
func behindPgBouncer(r *rig) {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		// Where Debian has it, and an ordinary user's PATH does not lead.
		if program, err = exec.LookPath("/usr/sbin/pgbouncer"); err != nil {
			r.notShown("there is no pgbouncer on this machine: build/setup.sh pgbouncer installs it")
		}
	}
	r.stage(slowly(20 * time.Millisecond))
	direct := r.source()
	port, err := lab.FreePort()
	r.must(err)
	users := filepath.Join(r.dir, "users.txt")
	ini := filepath.Join(r.dir, "pgbouncer.ini")
	r.must(os.WriteFile(users, []byte(`"convened" "`+password+`"`+"\n"), 0o644))
	r.must(os.WriteFile(ini, fmt.Appendf(nil, "[databases]\n%s = host=127.0.0.1 port=%d dbname=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\nauth_type = plain\nauth_file = %s\n"+
		"pool_mode = transaction\ndefault_pool_size = 8\nignore_startup_parameters = extra_float_digits\nlogfile =\n", r.database, r.number(`SHOW port`), r.database, port, users), 0o644))
	r.must(os.Chmod(r.dir, 0o755))
	bouncers := 0
	bounce := func() *exec.Cmd {
		cmd := exec.Command(program, "-q", ini)
		// It refuses to be root, as Postgres does.
		if os.Geteuid() == 0 {
			u, err := user.Lookup("nobody")
			r.must(err)
			uid, err := strconv.ParseUint(u.Uid, 10, 32)
			r.must(err)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
		}
		bouncers++
		_, err := lab.StartChild(cmd)
		r.must(err)
		r.cleanups = append(r.cleanups, func() { _ = cmd.Process.Kill() })
		return cmd
	}
	cmd := bounce()
	r.dbURL = r.tcp(port)
	r.set("database.direct_url", direct)
	r.configure()
	r.start(start{})
	r.start(start{})
	r.register(r.people)
	for i := range 3 {
		r.mails(r.people*(i+1)/5, time.Minute)
		r.must(cmd.Process.Kill())
		r.sleep(time.Second)
		cmd = bounce()
		r.note("kill %d of PgBouncer: mail flowed %.1f s after its start", i+1, r.flows(30*time.Second).Seconds())
	}
	if n := r.number(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'convened'`); n > 8+2 {
		r.note("%d sessions at Postgres", n)
	}
}
