//go:build linux

package main

import (
	"fmt"
	"strings"
	"time"
)

// A registration that is over has had a confirmation, three reminders and a
// follow-up: so many notices, and an attempt for each.
const oldNotices = 5

// oldPeople is how many registrations an event that is over had.
const oldPeople = 10_000

// pile makes what is in the database of the idle daemon: events that are over, with
// so many registrations in all and their notices and attempts, as they would stand
// there; and some that are open. It is as large as after years, and as clean as
// autovacuum leaves it; the indexes are made when the rows are there.
func pile(q *session, old int) error {
	begun := time.Now()
	for _, step := range []struct{ name, sql string }{
		{"", `SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '1GB';
		CREATE TEMP TABLE remade AS SELECT format('%I.%I', schemaname, indexname) AS name, indexdef FROM pg_indexes
			WHERE schemaname = 'convened' AND tablename IN ('registrations', 'notices') AND indexname NOT IN (SELECT conname FROM pg_constraint);
		CREATE TEMP TABLE filled AS SELECT option_value AS part FROM pg_class, pg_options_to_table(reloptions) WHERE oid = 'convened.notices'::regclass AND option_name = 'fillfactor';
		ALTER TABLE convened.notices SET (fillfactor = 70); -- as full as a page is when its letters have left
		DO $$ DECLARE x record; BEGIN FOR x IN SELECT name FROM remade LOOP EXECUTE 'DROP INDEX ' || x.name; END LOOP; END $$`},
		{"events", likeWebinar("'over-' || i", "timestamptz '2016-01-01 12:00Z' + i * interval '4 hours'", old/oldPeople, oldPeople)},
		{"registrations", fmt.Sprintf(`INSERT INTO convened.registrations (id, event, email, name, created_at, planned_at, address, seat, seat_no, seated_at) OVERRIDING SYSTEM VALUE
			SELECT i, 'over-' || (i - 1) / %[2]d + 1, 'person' || i || '@example.net', 'Zoë Person ' || i, at, at, 'person' || i || '@example.net', i, (i - 1) %% %[2]d + 1, at
			FROM generate_series(1, %[1]d) i, LATERAL (SELECT timestamptz '2015-12-01Z' + (i - 1) / %[2]d * interval '4 hours' AS at) t`, old/oldPeople*oldPeople, oldPeople)},
		// Event after event, and occasion after occasion, as they were planned.
		{"notices", fmt.Sprintf(`INSERT INTO convened.notices (id, registration, event, kind, occasion, state, priority, instant, due_at, planned_at, attempt, claimed_by, marked_at, revision, sequence, message_id, sent_at, settled_at, last_code) OVERRIDING SYSTEM VALUE
			SELECT i, r, 'over-' || e + 1, (ARRAY['confirmation', 'reminder', 'reminder', 'reminder', 'followup'])[k + 1], (ARRAY['1', 'a week 20160101T120000Z 1', 'a day 20160101T120000Z 1', 'an hour 20160101T120000Z 1', 'after 20160101T120000Z 1'])[k + 1],
				'sent', least(k, 1), at, at, at, 1, 1, at, 1, 0, 'n' || i || '.0123456789abcdef@example.org', at, at, 250
			FROM generate_series(1, %[1]d) i,
				LATERAL (SELECT (i - 1) / %[2]d AS e, (i - 1) %% %[2]d / %[3]d AS k, (i - 1) / %[2]d * %[3]d + (i - 1) %% %[3]d + 1 AS r, timestamptz '2015-12-01Z' + (i - 1) / %[3]d * interval '48 minutes' AS at) t`,
			old/oldPeople*oldPeople*oldNotices, oldPeople*oldNotices, oldPeople)},
		{"attempts", fmt.Sprintf(`INSERT INTO convened.attempts (notice, attempt, daemon, at, state, phase, code, enhanced, reply)
			SELECT i, 1, 1, '2016-01-01', 'sent', 'dot', 250, '2.0.0', '2.0.0 Ok: queued as 4XyZ012345' FROM generate_series(1, %d) i`, old/oldPeople*oldPeople*oldNotices)},
		{"indexes", `DO $$ DECLARE x record; BEGIN FOR x IN SELECT indexdef FROM remade LOOP EXECUTE x.indexdef; END LOOP;
			FOR x IN SELECT part FROM filled LOOP EXECUTE 'ALTER TABLE convened.notices SET (fillfactor = ' || x.part || ')'; END LOOP; END $$;
		SELECT setval(pg_get_serial_sequence('convened.registrations', 'id'), (SELECT coalesce(max(id), 1) FROM convened.registrations));
		SELECT setval(pg_get_serial_sequence('convened.notices', 'id'), (SELECT coalesce(max(id), 1) FROM convened.notices))`},
		{"", likeWebinar("'open-' || i", "now() + interval '30 days'", openEvents, openPeople) + ";" + likeWebinar("'busy'", "now() + interval '2 hours'", 1, busySeats)},
		{"", people()},
		{"vacuum", `VACUUM (ANALYZE) convened.registrations; VACUUM (ANALYZE) convened.notices; VACUUM (ANALYZE) convened.attempts; VACUUM (ANALYZE) convened.events; CHECKPOINT;
		RESET session_replication_role; RESET synchronous_commit; RESET maintenance_work_mem`},
	} {
		if err := q.tell(step.sql); err != nil {
			return err
		}
		if step.name != "" && old >= 1_000_000 {
			fmt.Printf("  %s: %s\n", step.name, time.Since(begun).Round(time.Second))
		}
	}
	return nil
}

// likeWebinar makes events that are the first one but for their names and times.
func likeWebinar(slug, starts string, n, people int) string {
	return fmt.Sprintf(`INSERT INTO convened.events
		SELECT (jsonb_populate_record(e, jsonb_build_object('slug', %[1]s, 'seats', %[4]d, 'starts_at', at, 'ends_at', at + interval '1 hour', 'over_at', at + interval '1 hour',
			'starts_local', at AT TIME ZONE 'UTC', 'ends_local', at AT TIME ZONE 'UTC' + interval '1 hour'))).*
		FROM convened.events e, generate_series(1, %[3]d) i, LATERAL (SELECT date_trunc('second', %[2]s) AS at) t WHERE e.slug = 'webinar'`, slug, starts, n, people)
}

// people gives the open events their people, each of whom was sent a confirmation.
func people() string {
	var b strings.Builder
	for i := range openEvents {
		b.WriteString(seated(fmt.Sprintf("open-%d", i+1), openPeople) + ";")
	}
	b.WriteString(seated("busy", busySeats) + ";")
	b.WriteString(`INSERT INTO convened.notices (registration, event, kind, occasion, state, priority, instant, due_at, planned_at, attempt, claimed_by, marked_at, revision, sequence, message_id, sent_at, settled_at, last_code)
		SELECT r.id, r.event, 'confirmation', '1', 'sent', 0, at, at, at, 1, 1, at, 1, 0, 'c' || r.id || '@example.org', at, at, 250
		FROM convened.registrations r, LATERAL (SELECT now() - interval '1 day' AS at) t WHERE r.event LIKE 'open-%' OR r.event = 'busy'`)
	return b.String()
}
