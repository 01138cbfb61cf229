-- +goose Up

-- One database holds one site.
CREATE TABLE site (
    one           INTEGER   PRIMARY KEY CHECK (one = 1),
    url           TEXT      NOT NULL,
    handle_domain TEXT      NOT NULL,
    name          TEXT      NOT NULL,
    description   TEXT      NOT NULL DEFAULT '',
    language      TEXT      NOT NULL,
    timezone      TEXT      NOT NULL,
    private_key   TEXT      NOT NULL,              -- of the instance actor, RSA, PKCS#8 PEM
    public_key    TEXT      NOT NULL,
    created_at    TIMESTAMP NOT NULL
);

-- Rises in the transaction of whatever changes what a reader can see; kept pages are judged by it.
CREATE TABLE changes (
    one           INTEGER   PRIMARY KEY CHECK (one = 1),
    n             BIGINT    NOT NULL
);
INSERT INTO changes (one, n) VALUES (1, 1);

-- Whoever of ours speaks. Handles share one namespace; a retired one stays taken.
CREATE TABLE voices (
    id                 TEXT      PRIMARY KEY,
    kind               TEXT      NOT NULL CHECK (kind IN ('author', 'site', 'series')),
    handle             TEXT      NOT NULL UNIQUE,
    name               TEXT      NOT NULL,
    summary            TEXT      NOT NULL DEFAULT '',
    picture            TEXT      NOT NULL DEFAULT '',
    header             TEXT      NOT NULL DEFAULT '',
    fields             TEXT      NOT NULL DEFAULT '',
    private_key        TEXT      NOT NULL,         -- RSA 2048, PKCS#8 PEM
    public_key         TEXT      NOT NULL,         -- SPKI PEM
    old_private_key    TEXT      NOT NULL DEFAULT '',   -- the RSA key before, while deliveries signed with it are to go out:
    rotation           TEXT      NOT NULL DEFAULT '',   -- those of this activity, which told of the new one, and of all before
    proof_private_key  TEXT      NOT NULL,         -- Ed25519, PKCS#8 PEM
    proof_key          TEXT      NOT NULL,         -- its public half, multibase
    discoverable       BOOLEAN   NOT NULL DEFAULT TRUE,
    indexable          BOOLEAN   NOT NULL DEFAULT TRUE,
    approves_followers BOOLEAN   NOT NULL DEFAULT FALSE,
    shows_followers    BOOLEAN   NOT NULL DEFAULT FALSE,
    also_known_as      TEXT      NOT NULL DEFAULT '',
    moved_to           TEXT      NOT NULL DEFAULT '',
    created_at         TIMESTAMP NOT NULL,
    updated_at         TIMESTAMP NOT NULL,
    silent_at          TIMESTAMP,                  -- the blog's or a series' voice that was switched off
    introduce_at       TIMESTAMP,                  -- when the followers are told of a changed profile
    leaves_at          TIMESTAMP,                  -- when its owner wants it to end
    retired_at         TIMESTAMP
);
CREATE UNIQUE INDEX voices_site ON voices (kind) WHERE kind = 'site';

-- Handles that a voice had before: they lead to it for ever, and nobody else gets them.
CREATE TABLE handles (
    handle        TEXT      PRIMARY KEY,
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    until         TIMESTAMP NOT NULL
);

-- Voices that go on as an actor elsewhere: planned, done, or called off.
CREATE TABLE moves (
    id            TEXT      PRIMARY KEY,
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    target        TEXT      NOT NULL,              -- the other actor's address
    handle        TEXT      NOT NULL DEFAULT '',   -- and name@server
    asked_at      TIMESTAMP NOT NULL,
    due_at        TIMESTAMP NOT NULL,
    moved_at      TIMESTAMP,
    ended_at      TIMESTAMP,                       -- called off
    trouble       TEXT      NOT NULL DEFAULT '',   -- why it could not be, or not yet
    activity_id   TEXT      NOT NULL DEFAULT '',
    followers     INTEGER   NOT NULL DEFAULT 0     -- when it was done
);
CREATE UNIQUE INDEX moves_planned ON moves (voice_id) WHERE moved_at IS NULL AND ended_at IS NULL;

-- The voices that sign in.
CREATE TABLE authors (
    voice_id      TEXT      PRIMARY KEY REFERENCES voices (id),
    email         TEXT      NOT NULL DEFAULT '',
    password      TEXT      NOT NULL DEFAULT '',   -- argon2id, PHC form
    role          TEXT      NOT NULL CHECK (role IN ('admin', 'editor', 'author', 'contributor')),
    language      TEXT      NOT NULL DEFAULT '',
    timezone      TEXT      NOT NULL DEFAULT '',
    hold_seconds  INTEGER   NOT NULL DEFAULT 10,   -- how long what they let go at the admin can be taken back
    disabled_at   TIMESTAMP
);
CREATE UNIQUE INDEX authors_email ON authors (email) WHERE email <> '';

-- Browser sessions. Only a hash of the token is kept.
CREATE TABLE sign_ins (
    token_hash    TEXT      PRIMARY KEY,
    voice_id      TEXT      NOT NULL REFERENCES authors (voice_id),
    device        TEXT      NOT NULL DEFAULT '',
    created_at    TIMESTAMP NOT NULL,
    used_at       TIMESTAMP NOT NULL,
    expires_at    TIMESTAMP NOT NULL
);
CREATE INDEX sign_ins_voice ON sign_ins (voice_id);

-- One-time links: 'first-run' makes the first author, 'sign-in' opens one author's door.
CREATE TABLE links (
    token_hash    TEXT      PRIMARY KEY,
    kind          TEXT      NOT NULL CHECK (kind IN ('first-run', 'sign-in')),
    voice_id      TEXT      NOT NULL DEFAULT '',
    created_at    TIMESTAMP NOT NULL,
    expires_at    TIMESTAMP NOT NULL
);

-- Wrong guesses at a door, by account and by source, so that all processes slow them together.
CREATE TABLE guesses (
    subject       TEXT      NOT NULL,
    at            TIMESTAMP NOT NULL
);
CREATE INDEX guesses_subject ON guesses (subject, at);
