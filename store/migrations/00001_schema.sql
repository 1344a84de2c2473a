-- +goose Up

-- Sign-up forms write to convened.registrations; the rest is the daemon's.
-- The schema itself is made by `convened migrate` before the first migration,
-- because the table of migrations lives in it.

CREATE TABLE convened.events (
    slug            text PRIMARY KEY CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,99}$'),
    title           jsonb NOT NULL,
    description     jsonb NOT NULL DEFAULT '{}',
    introduction    jsonb NOT NULL DEFAULT '{}',
    location        jsonb NOT NULL DEFAULT '{}',
    language        text NOT NULL,
    held_in         text NOT NULL DEFAULT '',
    -- The local times and the zone are the truth. The instants follow from them
    -- by the program's tzdata, never by the server's.
    zone            text NOT NULL,
    starts_local    timestamp NOT NULL,
    ends_local      timestamp NOT NULL,
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL,
    join_url        text NOT NULL DEFAULT '',
    page_url        text NOT NULL DEFAULT '',
    organizer_name  text NOT NULL DEFAULT '',
    organizer_email text NOT NULL DEFAULT '',
    colour          text NOT NULL DEFAULT '',
    logo            text NOT NULL DEFAULT '',
    sign_up         boolean NOT NULL DEFAULT false,
    status          text NOT NULL DEFAULT 'scheduled' CHECK (status IN ('scheduled', 'cancelled')),
    sequence        integer NOT NULL DEFAULT 0,
    revision        integer NOT NULL DEFAULT 1,
    sequenced_at    timestamptz NOT NULL,
    moved_at        timestamptz NOT NULL,
    -- After this instant nothing of the event is planned any more.
    over_at         timestamptz NOT NULL,
    -- How many seats were ever taken: the source of registrations.seat_no.
    seats           integer NOT NULL DEFAULT 0,
    -- The fuse counts the confirmations that were planned after this: when all
    -- that it held was released, it counts anew.
    fuse_from       timestamptz,
    -- The start before which it was looked whether anything is wrong.
    preflight_for   timestamptz,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CHECK (ends_at > starts_at),
    -- Every letter carries these, and every tick reads them. Organisers are held
    -- to far less; this is for whoever writes here by hand.
    CONSTRAINT events_text_fits CHECK (octet_length(title::text) + octet_length(description::text) + octet_length(introduction::text) + octet_length(location::text) <= 1000000)
);
CREATE INDEX events_open ON convened.events (over_at);

-- Every revision of an event as it was, so that an update can show what a
-- person was told before, and anyone what was changed when.
CREATE TABLE convened.revisions (
    event    text NOT NULL REFERENCES convened.events (slug) ON UPDATE CASCADE,
    revision integer NOT NULL,
    made_at  timestamptz NOT NULL,
    made_by  text NOT NULL DEFAULT '',
    snapshot jsonb NOT NULL,
    PRIMARY KEY (event, revision)
);

CREATE TABLE convened.registrations (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- What a form writes. Only an unknown event fails: a bad address becomes a
    -- refused notice that the organiser sees, and NULL is as good as empty.
    event        text NOT NULL REFERENCES convened.events (slug) ON UPDATE CASCADE,
    email        text,
    name         text,
    language     text,
    zone         text,
    source_ref   text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    -- Taken over from a table that was there before, without a letter: the seat
    -- counts as one whose confirmation went out.
    quiet        boolean NOT NULL DEFAULT false,
    -- The row of an adopted table that it was taken from does not stand for it any
    -- more: it holds no seat.
    withdrawn_at timestamptz,
    -- What the daemon writes.
    uid          uuid NOT NULL DEFAULT gen_random_uuid(),
    planned_at   timestamptz,
    address      text,
    seat         bigint REFERENCES convened.registrations (id),
    seat_no      integer,
    seated_at    timestamptz,
    sequence     integer NOT NULL DEFAULT 0,
    sequenced_at timestamptz,
    cancelled_at timestamptz,
    muted_at     timestamptz,
    refused_at   timestamptz,
    declined_at  timestamptz,
    erased_at    timestamptz,
    -- The registration that took this one's place when an organiser mended a
    -- mistyped address, and who did: see desk.Correct.
    corrected_to bigint REFERENCES convened.registrations (id),
    corrected_by text,
    -- What a search looks through. A form may be sent a book for a name, and an
    -- entry of an index has an end.
    search       text GENERATED ALWAYS AS (lower(left(coalesce(email, ''), 200) || ' ' || left(coalesce(name, ''), 200))) STORED
) WITH (
    -- Each leaves a dead entry in registrations_unplanned: see notices.
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 10000
);
CREATE UNIQUE INDEX registrations_uid ON convened.registrations (uid);
CREATE INDEX registrations_unplanned ON convened.registrations (id) WHERE planned_at IS NULL;
-- One seat for each address of an event: what makes the second insert of a
-- person a repetition is here, not in the planner.
CREATE UNIQUE INDEX registrations_seat ON convened.registrations (event, address) WHERE seat = id;
CREATE UNIQUE INDEX registrations_seat_no ON convened.registrations (event, seat_no) WHERE seat_no IS NOT NULL;
CREATE INDEX registrations_address ON convened.registrations (address) WHERE seat = id;
CREATE INDEX registrations_of_seat ON convened.registrations (seat) WHERE seat <> id;
-- Who registered again, until it is erased: see outlived_registrations.sql.
CREATE INDEX registrations_repeated ON convened.registrations (event) WHERE seat <> id AND erased_at IS NULL;
CREATE INDEX registrations_source_ref ON convened.registrations (event, source_ref) WHERE source_ref IS NOT NULL;
-- The people of an event, page by page, and what a search looks through beside
-- the number: it reads this index and nothing of the table, so that 100,000
-- people are searched within tens of milliseconds without any extension. A row
-- enters it once, when it is planned.
CREATE INDEX registrations_search ON convened.registrations (event, id) INCLUDE (search) WHERE seat = id;
-- Those with whom something is out of the ordinary.
CREATE INDEX registrations_apart ON convened.registrations (event, id)
    WHERE cancelled_at IS NOT NULL OR muted_at IS NOT NULL OR declined_at IS NOT NULL OR refused_at IS NOT NULL;
CREATE INDEX registrations_corrected ON convened.registrations (corrected_to) WHERE corrected_to IS NOT NULL;

CREATE TABLE convened.reminders (
    event    text NOT NULL REFERENCES convened.events (slug) ON UPDATE CASCADE,
    name     text NOT NULL,
    rule     text NOT NULL,
    late     text NOT NULL DEFAULT 'fold' CHECK (late IN ('skip', 'catch-up', 'fold')),
    template text NOT NULL DEFAULT '',
    note     jsonb NOT NULL DEFAULT '{}',
    position integer NOT NULL,
    -- An instant before this one is not sent to those who registered before it.
    added_at timestamptz NOT NULL,
    PRIMARY KEY (event, name)
);

-- Each occasion of a reminder is planned once, for the seats that there were
-- when it was recorded (seat_no up to upto_seat); whoever takes a seat later
-- finds it recorded and gets what `late` says. Both hold the event's row, so
-- each seat is seen by exactly one of the two.
CREATE TABLE convened.reminder_occasions (
    event       text NOT NULL REFERENCES convened.events (slug) ON UPDATE CASCADE,
    name        text NOT NULL,
    starts_at   timestamptz NOT NULL,
    ordinal     integer NOT NULL,
    instant     timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    upto_seat   integer NOT NULL,
    done_seat   integer NOT NULL DEFAULT 0,
    planned_at  timestamptz,
    notices     integer NOT NULL DEFAULT 0,
    -- Why nobody was planned for: the instant was past when the rule or the
    -- start was set.
    passed      text NOT NULL DEFAULT '',
    PRIMARY KEY (event, name, starts_at, ordinal)
);

-- A change that the people of an event are to be told of: the source of
-- updates and of the cancellations that go to everybody.
CREATE TABLE convened.changes (
    event       text NOT NULL REFERENCES convened.events (slug) ON UPDATE CASCADE,
    sequence    integer NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('update', 'cancellation')),
    urgent      boolean NOT NULL,
    made_at     timestamptz NOT NULL,
    due_at      timestamptz NOT NULL,
    recorded_at timestamptz,
    upto_seat   integer,
    done_seat   integer NOT NULL DEFAULT 0,
    planned_at  timestamptz,
    notices     integer NOT NULL DEFAULT 0,
    PRIMARY KEY (event, sequence)
);
CREATE INDEX changes_unplanned ON convened.changes (due_at) WHERE planned_at IS NULL;

CREATE TABLE convened.daemons (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL,
    host        text NOT NULL,
    pid         integer NOT NULL,
    version     text NOT NULL,
    started_at  timestamptz NOT NULL,
    beat_at     timestamptz NOT NULL,
    stopped_at  timestamptz,
    status      text NOT NULL DEFAULT '',
    -- When the server had been started that it introduced itself to.
    server_started_at timestamptz NOT NULL
);

-- What was let go by somebody: held notices, refused ones that are tried again,
-- a confirmation that is sent once more, the whole service after a quarantine.
CREATE TABLE convened.releases (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    what    text NOT NULL CHECK (what IN ('release', 'retry', 'resend', 'quarantine')),
    made_at timestamptz NOT NULL,
    made_by text NOT NULL DEFAULT '',
    -- What was asked for: an event, or the reason of the quarantine.
    about   text NOT NULL DEFAULT '',
    notices integer NOT NULL DEFAULT 0
);

-- The one row that says which database this is, so that a copy of it is known
-- for one, and whether anything may be sent. There is none before the first
-- daemon. Its times are the server's.
CREATE TABLE convened.service (
    sole              boolean PRIMARY KEY DEFAULT true CHECK (sole),
    system_identifier text NOT NULL DEFAULT '', -- '' where the role may not read it
    timeline          bigint NOT NULL DEFAULT 0,
    database_oid      bigint NOT NULL DEFAULT 0,
    table_oid         bigint NOT NULL DEFAULT 0, -- of this table: a dump that is read in has another
    -- When the server was started that was looked at last. Nothing is claimed
    -- from one that nobody has looked at.
    server_started_at timestamptz,
    quarantined_at    timestamptz,
    reason            text,
    released_at       timestamptz,
    CHECK ((quarantined_at IS NULL) = (reason IS NULL))
);

-- It has no foreign keys: their checks, row by row, would be two fifths of what
-- planning a hundred thousand reminders costs, and would write to each
-- registration. What they would promise is kept by triggers where it can be
-- broken: see convened.keep and what follows it.
CREATE TABLE convened.notices (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    registration bigint, -- convened.registrations.id
    event        text NOT NULL, -- convened.events.slug
    kind         text NOT NULL CHECK (kind IN ('confirmation', 'reminder', 'update', 'cancellation', 'followup', 'preflight')),
    occasion     text NOT NULL,
    state        text NOT NULL DEFAULT 'planned'
                 CHECK (state IN ('planned', 'claimed', 'sent', 'refused', 'unknown', 'cancelled', 'held')),
    -- Confirmations overtake bulk reminders: the lower goes first.
    priority     smallint NOT NULL DEFAULT 0,
    -- The instant that it is for, which a retry does not move, and the instant
    -- at which it is to be tried, which a retry does.
    instant      timestamptz NOT NULL,
    due_at       timestamptz NOT NULL,
    planned_at   timestamptz NOT NULL,
    attempt      integer NOT NULL DEFAULT 0,
    -- Attempts that failed and count, and attempts that ended in doubt.
    failures     integer NOT NULL DEFAULT 0,
    doubts       integer NOT NULL DEFAULT 0,
    claimed_by   bigint, -- convened.daemons.id; no foreign key, so that old daemons can be forgotten
    lease_until  timestamptz,
    marked_at    timestamptz,
    -- The event's revision and the invitation's SEQUENCE that the letter carries.
    revision     integer,
    sequence     integer,
    message_id   text,
    sent_at      timestamptz,
    settled_at   timestamptz,
    last_code    integer,
    last_enhanced text,
    last_error   text,
    cause        text,
    reason       text,
    release      bigint, -- convened.releases.id: the last one that let it go
    -- Claimed and marked from the start, by a step that convened.steps_ahead has.
    ahead        boolean NOT NULL DEFAULT false,
    -- Where the indexes have it. What was marked from the start is filed as sent from
    -- the start: when it is, no index changes. So whoever asks by state what is not
    -- looked up by its id or its registration asks by this, or asks convened.in_hand.
    filed        text GENERATED ALWAYS AS (CASE WHEN ahead AND state = 'claimed' THEN 'sent' ELSE state END) STORED,
    CHECK ((registration IS NULL) = (kind = 'preflight')),
    CHECK ((state = 'claimed') = (lease_until IS NOT NULL)),
    CHECK (state <> 'sent' OR sent_at IS NOT NULL)
) WITH (
    fillfactor = 35, -- a row is updated three times within seconds and grows to double its length: room for that on its page
    -- Each letter leaves a dead entry in notices_due, over which every look at what is
    -- due steps until it is vacuumed: 2 ms for a quarter of a million letters. By
    -- default that is when a fifth of all rows is dead, and these are of years.
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 10000
);
-- The promise that nobody is written to twice.
CREATE UNIQUE INDEX notices_once ON convened.notices (registration, kind, occasion) WHERE registration IS NOT NULL;
CREATE UNIQUE INDEX notices_once_event ON convened.notices (event, kind, occasion) WHERE registration IS NULL;
CREATE INDEX notices_due ON convened.notices (priority, due_at, id) WHERE filed = 'planned';
-- What is claimed, but for what was ahead. Not on lease_until: what is in hand is never more than a few thousand rows, and
-- a mark, which moves the lease, is a cheap update as long as no index has what it changes.
CREATE INDEX notices_leased ON convened.notices (claimed_by) WHERE filed = 'claimed';
CREATE INDEX notices_doubtful ON convened.notices (due_at) WHERE filed = 'unknown';
-- What an event has, but for what is in hand, which notices_leased has: each
-- change of state enters every index that has a place for the new one.
CREATE INDEX notices_event ON convened.notices (event, kind, filed) WHERE filed <> 'claimed';
CREATE INDEX notices_retried ON convened.notices (event) WHERE filed = 'planned' AND failures > 0;
CREATE INDEX notices_held ON convened.notices (event, cause) WHERE filed = 'held';
CREATE INDEX notices_fuse ON convened.notices (event, planned_at) WHERE kind = 'confirmation';

-- Steps whose notices were claimed and marked from the start, until all of them have
-- come to something: no index knows which are in hand.
CREATE TABLE convened.steps_ahead (
    lowest  bigint PRIMARY KEY, -- convened.notices.id, as is the next
    highest bigint NOT NULL,
    daemon  bigint NOT NULL -- whose claims they are: between two of its numbers there may be another's
);

-- Every notice that is claimed.
CREATE VIEW convened.in_hand AS
SELECT n.* FROM convened.notices n WHERE n.filed = 'claimed'
UNION ALL
SELECT n.*
FROM convened.steps_ahead s
CROSS JOIN LATERAL (
    -- Fenced, so that nothing but the key is ever leant on.
    SELECT n.* FROM convened.notices n WHERE n.id BETWEEN s.lowest AND s.highest ORDER BY n.id OFFSET 0
) n
WHERE n.ahead AND n.state = 'claimed' AND n.claimed_by = s.daemon;

-- Every attempt: when, which daemon, what the server said.
CREATE TABLE convened.attempts (
    notice   bigint NOT NULL, -- convened.notices.id; no foreign key, whose check would write to each notice once more
    attempt  integer NOT NULL,
    daemon   bigint,
    at       timestamptz NOT NULL,
    state    text NOT NULL,
    phase    text NOT NULL DEFAULT '',
    code     integer NOT NULL DEFAULT 0,
    enhanced text NOT NULL DEFAULT '',
    cause    text NOT NULL DEFAULT '',
    reply    text NOT NULL DEFAULT '',
    PRIMARY KEY (notice, attempt)
);

-- What came back: bounces, receipts, complaints, answers to invitations. The
-- text is what somebody else's server said, and goes when the person is erased.
CREATE TABLE convened.returns (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notice       bigint, -- convened.notices.id; no foreign key, for which each update of a notice would read it once more
    registration bigint REFERENCES convened.registrations (id),
    at           timestamptz NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('hard', 'soft', 'odd', 'receipt', 'complaint', 'answer')),
    action       text NOT NULL DEFAULT '',
    status       text NOT NULL DEFAULT '',
    cause        text NOT NULL DEFAULT '',
    text         text NOT NULL DEFAULT '',
    said_at      timestamptz,
    effect       text NOT NULL DEFAULT '' CHECK (effect IN ('', 'marked', 'muted', 'declined', 'accepted')),
    digest       bytea, -- of the mail: it may be delivered twice
    CHECK (notice IS NOT NULL OR registration IS NOT NULL)
);
CREATE UNIQUE INDEX returns_once ON convened.returns (digest, coalesce(notice, 0), coalesce(registration, 0));
CREATE INDEX returns_of_notice ON convened.returns (notice, kind);
CREATE INDEX returns_of_registration ON convened.returns (registration, kind);

-- No notice is without its registration and its event, and nothing that came back
-- without its notice. These triggers cost nothing as long as nobody breaks that.
-- What is planned meanwhile is not overlooked: who plans writes planned_at first and
-- holds the event's row, and a DELETE waits for both before it is judged.
-- +goose StatementBegin
CREATE FUNCTION convened.keep() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    kept boolean;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        kept := CASE WHEN TG_TABLE_NAME = 'notices' THEN EXISTS (SELECT FROM convened.returns WHERE notice IS NOT NULL)
                     ELSE EXISTS (SELECT FROM convened.notices) END;
    ELSIF TG_TABLE_NAME = 'registrations' THEN
        kept := OLD.planned_at IS NOT NULL OR EXISTS (SELECT FROM convened.notices n WHERE n.registration = OLD.id);
    ELSIF TG_TABLE_NAME = 'events' THEN
        kept := EXISTS (SELECT FROM convened.notices n WHERE n.event = OLD.slug AND n.filed <> 'claimed')
             OR EXISTS (SELECT FROM convened.notices n WHERE n.event = OLD.slug AND n.filed = 'claimed');
    ELSE
        kept := EXISTS (SELECT FROM convened.returns t WHERE t.notice = OLD.id);
    END IF;
    IF kept THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('convened.%I is not to lose what other rows speak of', TG_TABLE_NAME),
            DETAIL = CASE TG_TABLE_NAME
                WHEN 'registrations' THEN 'A registration that was planned stays, as the notices to that person do.'
                WHEN 'events' THEN 'There are notices of the event.'
                ELSE 'Mail came back for the notice.' END,
            HINT = CASE TG_TABLE_NAME
                WHEN 'registrations' THEN 'To give up the seat: convened registration cancel. To forget the person: convened registration erase.'
                WHEN 'events' THEN 'To call it off: convened event cancel.'
                ELSE 'Delete its rows in convened.returns first.' END;
    END IF;
    RETURN OLD;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER keep BEFORE DELETE ON convened.registrations FOR EACH ROW EXECUTE FUNCTION convened.keep();
CREATE TRIGGER keep_id AFTER UPDATE OF id ON convened.registrations FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION convened.keep();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON convened.registrations FOR EACH STATEMENT EXECUTE FUNCTION convened.keep();
CREATE TRIGGER keep BEFORE DELETE ON convened.events FOR EACH ROW EXECUTE FUNCTION convened.keep();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON convened.events FOR EACH STATEMENT EXECUTE FUNCTION convened.keep();
CREATE TRIGGER keep BEFORE DELETE ON convened.notices FOR EACH ROW EXECUTE FUNCTION convened.keep();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON convened.notices FOR EACH STATEMENT EXECUTE FUNCTION convened.keep();

-- An event that gets another slug takes its notices along.
-- +goose StatementBegin
CREATE FUNCTION convened.carry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    -- One statement, whatever becomes of a notice meanwhile, by notices_event and notices_leased.
    UPDATE convened.notices SET event = NEW.slug WHERE event = OLD.slug AND (filed <> 'claimed' OR filed = 'claimed');
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER carry AFTER UPDATE OF slug ON convened.events FOR EACH ROW WHEN (OLD.slug <> NEW.slug) EXECUTE FUNCTION convened.carry();

-- Whoever writes a notice by hand is checked. The daemon's role is not: all that it
-- plans it reads from registrations that it holds, and the tests, which are run by
-- another role, check that of each of its statements.
-- +goose StatementBegin
CREATE FUNCTION convened.refers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM FROM convened.registrations r WHERE r.id = NEW.registration FOR KEY SHARE;
    IF NEW.registration IS NOT NULL AND NOT FOUND THEN
        RAISE foreign_key_violation USING MESSAGE = format('there is no registration %s for a notice', NEW.registration);
    END IF;
    PERFORM FROM convened.events e WHERE e.slug = NEW.event FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE foreign_key_violation USING MESSAGE = format('there is no event %L for a notice', NEW.event);
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION convened.stays() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE foreign_key_violation USING MESSAGE = 'a notice stays with its registration and its event',
        HINT = 'To give an event another slug, update convened.events: its notices follow.';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER refers AFTER INSERT ON convened.notices FOR EACH ROW WHEN (current_user <> 'convened') EXECUTE FUNCTION convened.refers();
-- Once for each statement, and for those alone that name the columns.
CREATE TRIGGER stays BEFORE UPDATE OF id, registration, event ON convened.notices FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION convened.stays();

-- How many mails came in on a day (UTC), by what they were. Most are dropped,
-- and leave nothing but this.
CREATE TABLE convened.incoming (
    day   date NOT NULL,
    what  text NOT NULL,
    mails bigint NOT NULL,
    PRIMARY KEY (day, what)
);

-- How many mails may leave now: one bucket for all daemons, where smtp.rate is
-- set. It goes by the database's clock.
CREATE TABLE convened.pace (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    tokens double precision NOT NULL,
    at     timestamptz NOT NULL
);
INSERT INTO convened.pace (tokens, at) VALUES (1, now());

-- What links to the registrants' pages are signed with.
CREATE TABLE convened.keys (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    secret     bytea NOT NULL CHECK (length(secret) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz
);

-- The organisers who may open the console. A password is kept as its argon2id
-- hash alone, which names its own parameters; '' is none.
CREATE TABLE convened.users (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email         text NOT NULL CHECK (email <> ''),
    name          text NOT NULL DEFAULT '',
    password      text NOT NULL DEFAULT '',
    administrator boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX users_email ON convened.users (lower(email));

CREATE TABLE convened.user_roles (
    user_id bigint NOT NULL REFERENCES convened.users (id) ON DELETE CASCADE,
    event   text NOT NULL REFERENCES convened.events (slug) ON UPDATE CASCADE,
    role    text NOT NULL CHECK (role IN ('view', 'edit')),
    PRIMARY KEY (user_id, event)
);

-- Who is signed in. Of the token, which the browser alone has, there is only the
-- SHA-256: who reads this table can't sign in with it.
CREATE TABLE convened.sessions (
    digest     bytea PRIMARY KEY CHECK (length(digest) = 32),
    user_id    bigint NOT NULL REFERENCES convened.users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL
);
CREATE INDEX sessions_of_user ON convened.sessions (user_id);

-- Who did what: rows are added and stay. What was done and by whom is never
-- written again; the detail can be emptied when a person is erased.
CREATE TABLE convened.trail (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL,
    made_by      text NOT NULL,
    via          text NOT NULL CHECK (via IN ('console', 'command', 'api')),
    what         text NOT NULL,
    event        text REFERENCES convened.events (slug) ON UPDATE CASCADE,
    registration bigint REFERENCES convened.registrations (id),
    detail       text NOT NULL DEFAULT ''
);
CREATE INDEX trail_of_event ON convened.trail (event, id);
CREATE INDEX trail_of_registration ON convened.trail (registration) WHERE registration IS NOT NULL;

-- Once per statement the daemon is told that there is something to plan. It is
-- a hint: what the daemon relies on is looking.
-- +goose StatementBegin
CREATE FUNCTION convened.tell() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_notify('convened', TG_TABLE_NAME);
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER tell AFTER INSERT ON convened.registrations
    FOR EACH STATEMENT EXECUTE FUNCTION convened.tell();
CREATE TRIGGER tell AFTER INSERT ON convened.changes
    FOR EACH STATEMENT EXECUTE FUNCTION convened.tell();

-- Where registrations come from besides an INSERT here: tables of others, which
-- are adopted, and services that write over HTTP.
CREATE TABLE convened.sources (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    way         text NOT NULL CHECK (way IN ('trigger', 'poll', 'http')),
    relation    text NOT NULL DEFAULT '', -- the table as SQL names it; '' for http
    relation_id bigint, -- its oid: a table that was made anew is another
    key_columns text[] NOT NULL DEFAULT '{}',
    -- What each of our columns is, as SQL over one of the table's rows.
    mapping     jsonb NOT NULL DEFAULT '{}',
    follow      boolean NOT NULL DEFAULT true, -- deleted and cancelled rows give up the seat
    made_at     timestamptz NOT NULL,
    made_by     text NOT NULL DEFAULT '',
    -- Polling: below this no transaction is still to end, and every row of theirs
    -- was looked at; NULL looks at every row. How many rows there were, when and
    -- for how long it was looked, and what went wrong.
    watermark   bigint,
    present     bigint NOT NULL DEFAULT 0,
    looked_at   timestamptz,
    look_took   double precision NOT NULL DEFAULT 0, -- seconds
    trouble     text NOT NULL DEFAULT '',
    -- Many rows vanished at once: their people keep their seats until somebody says
    -- that they are meant to go.
    vanished    integer NOT NULL DEFAULT 0,
    let_go      boolean NOT NULL DEFAULT false,
    passed_over bigint NOT NULL DEFAULT 0 -- changes of rows that were there before
);

-- Every row of an adopted table that was seen: what makes it be taken once.
--   before   it was there when the table was adopted, and nobody asked for it
--   taken    it is a registration
--   out      it says that the person does not come
--   gone     it was taken, and is deleted
--   problem  it could not be taken: see source_problems
CREATE TABLE convened.source_rows (
    source       integer NOT NULL REFERENCES convened.sources (id) ON DELETE CASCADE,
    key          text NOT NULL,
    state        text NOT NULL CHECK (state IN ('before', 'taken', 'out', 'gone', 'problem')),
    registration bigint, -- no foreign key: registrations are never deleted, and a form waits for each look
    digest       bytea,
    version      text NOT NULL DEFAULT '', -- polling: which version of the row was looked at
    PRIMARY KEY (source, key)
);
CREATE INDEX source_rows_before ON convened.source_rows (source, key) WHERE state = 'before';

-- What happened to rows of adopted tables and is still to be followed. Only
-- appended to by the trigger, so that no form waits for the daemon.
CREATE TABLE convened.source_changes (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source    integer NOT NULL REFERENCES convened.sources (id) ON DELETE CASCADE,
    key       text NOT NULL,
    was_key   text NOT NULL,
    gone      boolean NOT NULL,
    event     text, email text, name text, language text, zone text,
    cancelled boolean NOT NULL DEFAULT false,
    made_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX source_changes_source ON convened.source_changes (source, id);
CREATE INDEX source_changes_key ON convened.source_changes (source, key);

-- Rows that could not be taken, and why; the latest for a key counts.
CREATE TABLE convened.source_problems (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source   integer NOT NULL REFERENCES convened.sources (id) ON DELETE CASCADE,
    key      text NOT NULL,
    made_at  timestamptz NOT NULL DEFAULT now(),
    what     text NOT NULL CHECK (what IN ('mapping', 'address', 'event', 'correction', 'truncated')),
    detail   text NOT NULL,
    event    text, email text, name text, language text, zone text
);
CREATE INDEX source_problems_key ON convened.source_problems (source, key);

-- Who may speak to the API, in the name of a source. The token itself is shown once;
-- of it there is only the SHA-256.
CREATE TABLE convened.tokens (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source     integer NOT NULL REFERENCES convened.sources (id) ON DELETE CASCADE,
    digest     bytea NOT NULL UNIQUE CHECK (length(digest) = 32),
    scope      text NOT NULL CHECK (scope IN ('register', 'read', 'manage')),
    made_at    timestamptz NOT NULL,
    made_by    text NOT NULL DEFAULT '',
    revoked_at timestamptz
);
CREATE INDEX tokens_source ON convened.tokens (source);

-- Requests with an idempotency key, for a day: what was asked, and what was answered.
CREATE TABLE convened.requests (
    source  integer NOT NULL REFERENCES convened.sources (id) ON DELETE CASCADE,
    key     text NOT NULL,
    digest  bytea NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (source, key)
);
CREATE INDEX requests_made ON convened.requests (made_at);

-- Form services that send what was typed. The secret has to be known in clear to
-- check what they sign.
CREATE TABLE convened.hooks (
    source  integer PRIMARY KEY REFERENCES convened.sources (id) ON DELETE CASCADE,
    service text NOT NULL CHECK (service IN ('tally', 'typeform', 'hmac')),
    secret  bytea NOT NULL,
    event   text NOT NULL DEFAULT ''
);

-- What was mapped of a row, in a form that compares and holds no address.
CREATE FUNCTION convened.source_digest(event text, email text, name text, language text, zone text, cancelled boolean) RETURNS bytea
LANGUAGE sql IMMUTABLE -- without a SET, so that it can be inlined
AS $$ SELECT pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.jsonb_build_array(event, email, name, language, zone, cancelled)::pg_catalog.text, 'UTF8')) $$;

-- What the trigger of a source saw: called by the functions that `convened source
-- add` makes, with what their expressions said of the row before and after. It runs
-- in the transaction of the form and never fails for what a row holds: what can't
-- be taken is a problem. It takes no lock that another form waits for. Its search_path
-- is its caller's, which is fixed: another one for each row would cost as much as the rest.
-- +goose StatementBegin
CREATE FUNCTION convened.source_saw(of integer, op text, seen_key text, was_key text,
    s_event text, s_email text, s_name text, s_language text, s_zone text, s_cancelled boolean, fault text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    d bytea;
    fresh bigint;
    why text := '';
    what text := '';
BEGIN
    IF seen_key IS NULL THEN
        INSERT INTO convened.source_problems (source, key, what, detail)
        VALUES (of, coalesce(was_key, ''), 'mapping', coalesce(fault, 'the row has no key'));
        RETURN;
    END IF;
    IF op = 'DELETE' THEN
        INSERT INTO convened.source_changes (source, key, was_key, gone) VALUES (of, seen_key, seen_key, true);
        PERFORM pg_notify('convened', 'sources');
        RETURN;
    END IF;
    IF fault IS NOT NULL THEN
        INSERT INTO convened.source_problems (source, key, what, detail, event, email) VALUES (of, seen_key, 'mapping', fault, left(s_event, 300), left(s_email, 300));
        IF op = 'INSERT' THEN
            INSERT INTO convened.source_rows (source, key, state) VALUES (of, seen_key, 'problem') ON CONFLICT DO NOTHING;
        END IF;
        RETURN;
    END IF;
    s_cancelled := coalesce(s_cancelled, false);
    s_email := left(btrim(s_email, E' \t\r\n'), 2000);
    s_event := btrim(s_event);
    s_name := left(s_name, 2000);
    s_language := left(s_language, 100);
    s_zone := left(s_zone, 100);
    IF op = 'UPDATE' OR EXISTS (SELECT FROM convened.source_rows r WHERE r.source = of AND r.key = seen_key) THEN
        INSERT INTO convened.source_changes (source, key, was_key, gone, event, email, name, language, zone, cancelled)
        VALUES (of, seen_key, coalesce(was_key, seen_key), false, s_event, s_email, s_name, s_language, s_zone, s_cancelled);
        PERFORM pg_notify('convened', 'sources');
        RETURN;
    END IF;
    d := convened.source_digest(s_event, s_email, s_name, s_language, s_zone, s_cancelled);
    IF s_cancelled THEN
        INSERT INTO convened.source_rows (source, key, state, digest) VALUES (of, seen_key, 'out', d) ON CONFLICT DO NOTHING;
        RETURN;
    END IF;
    IF coalesce(s_email, '') = '' THEN
        what := 'address'; why := 'it has no address';
    ELSIF NOT EXISTS (SELECT FROM convened.events e WHERE e.slug = s_event) THEN
        what := 'event'; why := coalesce('there is no event ' || quote_literal(left(nullif(s_event, ''), 100)), 'it names no event');
    END IF;
    IF what <> '' THEN
        INSERT INTO convened.source_problems (source, key, what, detail, event, email, name, language, zone)
        VALUES (of, seen_key, what, why, left(s_event, 300), left(s_email, 300), left(s_name, 300), s_language, s_zone);
        INSERT INTO convened.source_rows (source, key, state, digest) VALUES (of, seen_key, 'problem', d) ON CONFLICT DO NOTHING;
        RETURN;
    END IF;
    INSERT INTO convened.registrations (event, email, name, language, zone, source_ref)
    VALUES (s_event, s_email, s_name, nullif(s_language, ''), nullif(s_zone, ''), seen_key)
    RETURNING id INTO fresh;
    INSERT INTO convened.source_rows (source, key, state, registration, digest) VALUES (of, seen_key, 'taken', fresh, d) ON CONFLICT DO NOTHING;
END
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION convened.source_saw(integer, text, text, text, text, text, text, text, text, boolean, text) FROM PUBLIC;

-- +goose Down
-- There is no way down: what was sent can't be unsent, and dropping the record
-- of it would make the next daemon send it again.
SELECT 1;
