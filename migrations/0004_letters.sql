-- +goose Up

-- What our voices said, once; the outbox.
CREATE TABLE activities (
    id            TEXT      PRIMARY KEY,
    voice_id      TEXT      NOT NULL,              -- '' is the instance actor
    kind          TEXT      NOT NULL,
    object_id     TEXT      NOT NULL DEFAULT '',
    revision      INTEGER   NOT NULL DEFAULT 0,
    payload       BYTEA     NOT NULL,
    quiet         BOOLEAN   NOT NULL DEFAULT FALSE,    -- an Update that is no newer: servers hear of it and tell nobody
    at            TIMESTAMP NOT NULL
);
CREATE INDEX activities_object ON activities (object_id);
CREATE INDEX activities_outbox ON activities (voice_id, id) WHERE kind IN ('Create', 'Announce');

-- One delivery per inbox, kept after it is settled: it is what the author sees.
CREATE TABLE deliveries (
    activity_id   TEXT      NOT NULL REFERENCES activities (id),
    inbox         TEXT      NOT NULL,
    host          TEXT      NOT NULL,
    attempts      INTEGER   NOT NULL DEFAULT 0,
    status        TEXT      NOT NULL DEFAULT 'waiting',
    code          INTEGER   NOT NULL DEFAULT 0,
    answer        TEXT      NOT NULL DEFAULT '',
    took_ms       BIGINT    NOT NULL DEFAULT 0,
    revision      INTEGER   NOT NULL DEFAULT 0,        -- of the object whose words it carries: a Create that waits takes the newest
    unsure        BOOLEAN   NOT NULL DEFAULT FALSE,    -- it may have arrived, though nobody said so
    welcome       BOOLEAN   NOT NULL DEFAULT FALSE,    -- said long before, and brought since the first follower came from there
    written_at    TIMESTAMP,                           -- where that was later than it was said
    settled_at    TIMESTAMP,
    PRIMARY KEY (activity_id, inbox)
);
CREATE INDEX deliveries_given_up ON deliveries (host) WHERE status = 'given up';
CREATE INDEX deliveries_waiting ON deliveries (host, activity_id) WHERE settled_at IS NULL;

-- The servers from which somebody began to follow a voice, for ever: what was said before is brought there once.
CREATE TABLE welcomes (
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    host          TEXT      NOT NULL,
    at            TIMESTAMP NOT NULL,
    PRIMARY KEY (voice_id, host)
);

-- What of that is still to be brought.
CREATE TABLE welcome_letters (
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    host          TEXT      NOT NULL,
    activity_id   TEXT      NOT NULL REFERENCES activities (id),
    inbox         TEXT      NOT NULL,
    due_at        TIMESTAMP NOT NULL,
    PRIMARY KEY (voice_id, host, activity_id)
);
CREATE INDEX welcome_letters_due ON welcome_letters (due_at);

-- What an author let go a moment ago and can still take back: nothing of it has left, and before is the article as it was.
CREATE TABLE holds (
    article_id    TEXT      PRIMARY KEY REFERENCES articles (id),
    new           BOOLEAN   NOT NULL,              -- a publication; else a change of what is published
    until         TIMESTAMP NOT NULL,
    before        BYTEA     NOT NULL
);

-- One row per server we write to. free_at is the lease and the rest in one; claims is the fence. While it is visited, its
-- first letter may be on its way, also when whoever carried it was killed.
CREATE TABLE peers (
    host              TEXT      PRIMARY KEY,
    waiting           BOOLEAN   NOT NULL DEFAULT FALSE,
    free_at           TIMESTAMP NOT NULL,
    claims            BIGINT    NOT NULL DEFAULT 0,
    visited           BOOLEAN   NOT NULL DEFAULT FALSE,
    failures          INTEGER   NOT NULL DEFAULT 0,
    failing_days      INTEGER   NOT NULL DEFAULT 0,
    failed_on         TEXT      NOT NULL DEFAULT '',   -- the last day counted in failing_days
    failing_since     TIMESTAMP,                       -- when it fell silent; null while it answers, if only to ask for patience
    last_success      TIMESTAMP,
    last_heard        TIMESTAMP,
    software          TEXT      NOT NULL DEFAULT '',
    signature_scheme  TEXT      NOT NULL DEFAULT '',   -- 'rfc9421' where nothing else is read; believed until scheme_until
    scheme_until      TIMESTAMP,
    too_large         BIGINT    NOT NULL DEFAULT 0,    -- bytes of the smallest delivery that it called too large; 0 for none
    unavailable_since TIMESTAMP
);
CREATE INDEX peers_free ON peers (free_at) WHERE waiting;
CREATE INDEX peers_unavailable ON peers (host) WHERE unavailable_since IS NOT NULL;

-- Inboxes that answered 404, and on how many days. On the third the people behind them are looked at.
CREATE TABLE missing_inboxes (
    inbox         TEXT      PRIMARY KEY,
    days          INTEGER   NOT NULL,
    last_on       TEXT      NOT NULL
);

-- The same for the servers that write to us and whose deliveries wait to be worked through.
CREATE TABLE callers (
    host          TEXT      PRIMARY KEY,
    waiting       BOOLEAN   NOT NULL DEFAULT FALSE,
    free_at       TIMESTAMP NOT NULL,
    claims        BIGINT    NOT NULL DEFAULT 0,
    failures      INTEGER   NOT NULL DEFAULT 0
);
CREATE INDEX callers_free ON callers (free_at) WHERE waiting;

CREATE TABLE arrivals (
    id            TEXT      PRIMARY KEY,
    host          TEXT      NOT NULL,
    activity_id   TEXT      NOT NULL,
    signer        TEXT      NOT NULL,
    body          BYTEA     NOT NULL,
    at            TIMESTAMP NOT NULL,
    due_at        TIMESTAMP NOT NULL,
    attempts      INTEGER   NOT NULL DEFAULT 0,
    parked        TEXT      NOT NULL DEFAULT ''    -- why it will not be tried again
);
CREATE INDEX arrivals_waiting ON arrivals (host, id) WHERE parked = '';
CREATE INDEX arrivals_due     ON arrivals (host, due_at) WHERE parked = '';
CREATE UNIQUE INDEX arrivals_once ON arrivals (signer, activity_id) WHERE activity_id <> '';

-- Who has what. Outlives the deliveries: a server that comes back gets the latest state of each object it holds.
CREATE TABLE holdings (
    object_id     TEXT      NOT NULL REFERENCES objects (id),
    host          TEXT      NOT NULL,
    revision      INTEGER   NOT NULL,
    state         TEXT      NOT NULL CHECK (state IN ('held', 'asked_to_forget', 'gone')),
    proof_at      TIMESTAMP NOT NULL,
    PRIMARY KEY (object_id, host)
);

-- What was taken in already, for thirty days; also 'undone' and 'deleted' before it came.
CREATE TABLE seen (
    actor         TEXT      NOT NULL,
    activity_id   TEXT      NOT NULL,
    kind          TEXT      NOT NULL,
    at            TIMESTAMP NOT NULL,
    PRIMARY KEY (actor, activity_id)
);
CREATE INDEX seen_at ON seen (at);

CREATE TABLE chores (
    name          TEXT      PRIMARY KEY,
    due_at        TIMESTAMP NOT NULL,
    claims        BIGINT    NOT NULL DEFAULT 0
);
