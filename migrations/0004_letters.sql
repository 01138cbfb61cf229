-- +goose Up

-- The outbox: each activity of our voices, once.
CREATE TABLE activities (
    id            TEXT      PRIMARY KEY,
    voice_id      TEXT      NOT NULL,              -- '' is the instance actor
    kind          TEXT      NOT NULL,
    object_id     TEXT      NOT NULL DEFAULT '',
    revision      INTEGER   NOT NULL DEFAULT 0,
    payload       BYTEA     NOT NULL,
    quiet         BOOLEAN   NOT NULL DEFAULT FALSE,    -- an Update without a newer date: servers take it and notify nobody
    at            TIMESTAMP NOT NULL
);
CREATE INDEX activities_object ON activities (object_id);
CREATE INDEX activities_outbox ON activities (voice_id, id) WHERE kind IN ('Create', 'Announce');

-- One row per activity and inbox. It stays after the delivery, since authors see it.
CREATE TABLE deliveries (
    activity_id   TEXT      NOT NULL REFERENCES activities (id),
    inbox         TEXT      NOT NULL,
    host          TEXT      NOT NULL,
    attempts      INTEGER   NOT NULL DEFAULT 0,
    status        TEXT      NOT NULL DEFAULT 'waiting',
    code          INTEGER   NOT NULL DEFAULT 0,
    answer        TEXT      NOT NULL DEFAULT '',
    took_ms       BIGINT    NOT NULL DEFAULT 0,
    revision      INTEGER   NOT NULL DEFAULT 0,        -- of the object that it carries; a waiting Create takes the newest
    unsure        BOOLEAN   NOT NULL DEFAULT FALSE,    -- it may have arrived without a confirmation
    welcome       BOOLEAN   NOT NULL DEFAULT FALSE,    -- an older activity, sent because the server got its first follower
    written_at    TIMESTAMP,                           -- when the row was added, where that was later than the activity
    settled_at    TIMESTAMP,
    PRIMARY KEY (activity_id, inbox)
);
CREATE INDEX deliveries_given_up ON deliveries (host) WHERE status = 'given up';
CREATE INDEX deliveries_waiting ON deliveries (host, activity_id) WHERE settled_at IS NULL;

-- Servers that have or had a follower of a voice. Older activities are sent there only once, so rows stay for ever.
CREATE TABLE welcomes (
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    host          TEXT      NOT NULL,
    at            TIMESTAMP NOT NULL,
    PRIMARY KEY (voice_id, host)
);

-- The older activities that are not sent yet.
CREATE TABLE welcome_letters (
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    host          TEXT      NOT NULL,
    activity_id   TEXT      NOT NULL REFERENCES activities (id),
    inbox         TEXT      NOT NULL,
    due_at        TIMESTAMP NOT NULL,
    PRIMARY KEY (voice_id, host, activity_id)
);
CREATE INDEX welcome_letters_due ON welcome_letters (due_at);

-- Publications and changes that can still be undone. Nothing of them is sent yet. before is the article as it was.
CREATE TABLE holds (
    article_id    TEXT      PRIMARY KEY REFERENCES articles (id),
    new           BOOLEAN   NOT NULL,              -- a publication; otherwise a change of a published article
    until         TIMESTAMP NOT NULL,
    before        BYTEA     NOT NULL
);

-- One row per server that we deliver to. free_at is the end of the lease or of the back-off, claims the fence. While
-- visited is set, the first delivery may be on its way, also when its process was killed.
CREATE TABLE peers (
    host              TEXT      PRIMARY KEY,
    waiting           BOOLEAN   NOT NULL DEFAULT FALSE,
    free_at           TIMESTAMP NOT NULL,
    claims            BIGINT    NOT NULL DEFAULT 0,
    visited           BOOLEAN   NOT NULL DEFAULT FALSE,
    failures          INTEGER   NOT NULL DEFAULT 0,
    failing_days      INTEGER   NOT NULL DEFAULT 0,
    failed_on         TEXT      NOT NULL DEFAULT '',   -- the last day that failing_days counts
    failing_since     TIMESTAMP,                       -- when it became silent; null while it answers, also with 429
    last_success      TIMESTAMP,
    last_heard        TIMESTAMP,
    software          TEXT      NOT NULL DEFAULT '',
    signature_scheme  TEXT      NOT NULL DEFAULT '',   -- 'rfc9421' where nothing else is accepted; valid until scheme_until
    scheme_until      TIMESTAMP,
    too_large         BIGINT    NOT NULL DEFAULT 0,    -- bytes of the smallest delivery that it refused as too large; 0 for none
    unavailable_since TIMESTAMP
);
CREATE INDEX peers_free ON peers (free_at) WHERE waiting;
CREATE INDEX peers_unavailable ON peers (host) WHERE unavailable_since IS NOT NULL;

-- Inboxes that answered 404, and on how many days. On the third day their actors are fetched again.
CREATE TABLE missing_inboxes (
    inbox         TEXT      PRIMARY KEY,
    days          INTEGER   NOT NULL,
    last_on       TEXT      NOT NULL
);

-- Like peers, for servers whose deliveries to us wait to be processed.
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

-- Which server has which object. Rows outlive the deliveries: a server that comes back gets the latest state of each.
CREATE TABLE holdings (
    object_id     TEXT      NOT NULL REFERENCES objects (id),
    host          TEXT      NOT NULL,
    revision      INTEGER   NOT NULL,
    state         TEXT      NOT NULL CHECK (state IN ('held', 'asked_to_forget', 'gone')),
    proof_at      TIMESTAMP NOT NULL,
    PRIMARY KEY (object_id, host)
);

-- Activities of the last thirty days, so that none is processed twice; also objects 'undone' or 'deleted' before they came.
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
