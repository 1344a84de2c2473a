//go:build linux

package main

import (
	"strings"
	"time"
)

// wrongDatabase starts the daemon where it can't work, and looks at what it says.
func wrongDatabase(r *rig) {
	r.stage(nil)
	p := r.behind()
	r.register(r.people)

	// Down: ready, with a status, and it waits.
	waits := func(what string, mend func()) {
		m := r.manager()
		d := r.start(start{env: m.env(0)})
		r.until(10*time.Second, what+": ready", func() bool { _, ready := m.last(); return ready })
		r.sleep(3 * time.Second)
		status, _ := m.last()
		if !d.alive() {
			r.fail("%s: it ended with %s:\n%s", what, d.state, d.said())
			return
		}
		if !strings.Contains(status, "database") {
			r.fail("%s: its status is %q", what, status)
		}
		before := r.taken.count()
		mend()
		r.registerAt("webinar", "m", "example.org", 1)
		r.until(20*time.Second, what+": mail flows when it is mended", func() bool { return r.taken.count() > before })
		r.note("%s: ready, %q, and it goes on when it is mended", what, status)
		if _, err := d.stop(30 * time.Second); err != nil {
			r.fail("%s: %v", what, err)
		}
	}
	p.refuse()
	waits("no database", func() { r.must(p.resume()) })

	good := r.dbURL
	r.sql(`CREATE ROLE stranger LOGIN PASSWORD 'right' IN ROLE convened`)
	r.cleanups = append(r.cleanups, func() { _, _ = r.query(`DROP ROLE IF EXISTS stranger`) })
	r.dbURL = strings.Replace(good, "convened:"+password+"@", "stranger:wrong@", 1)
	r.configure()
	waits("wrong password", func() { r.sql(`ALTER ROLE stranger PASSWORD 'wrong'`) })
	r.dbURL = good

	// A schema that does not fit: no use in waiting.
	refuses := func(what string) {
		r.configure()
		d := r.start(start{})
		switch {
		case !d.wait(20 * time.Second):
			r.fail("%s: it runs", what)
			d.kill()
		case d.code() != 2:
			r.fail("%s: it ended with %s, want 2:\n%s", what, d.state, d.said())
		case !strings.Contains(d.said(), "migrate") && !strings.Contains(d.said(), "newer"):
			r.fail("%s: it does not say what to do:\n%s", what, d.said())
		}
	}
	r.sql(`ALTER SCHEMA convened RENAME TO elsewhere`)
	refuses("no schema")
	r.sql(`ALTER SCHEMA elsewhere RENAME TO convened`)
	r.sql(`INSERT INTO convened.migrations (version_id, is_applied) VALUES (9999, true)`)
	refuses("a newer schema")
	r.sql(`DELETE FROM convened.migrations WHERE version_id = 9999`)
	r.sql(`CREATE TABLE public.kept AS SELECT * FROM convened.migrations WHERE version_id = (SELECT max(version_id) FROM convened.migrations);
		DELETE FROM convened.migrations WHERE version_id = (SELECT max(version_id) FROM convened.migrations)`)
	refuses("an older schema")
	r.sql(`INSERT INTO convened.migrations SELECT * FROM public.kept`)
	r.note("no schema, a newer and an older one: exit 2, and what to do")
	r.configure()
	r.start(start{})
}
