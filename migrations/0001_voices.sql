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

-- Counts the changes that readers can see, in the transaction of each change. A cached page is fresh while n is the same.
CREATE TABLE changes (
    one           INTEGER   PRIMARY KEY CHECK (one = 1),
    n             BIGINT    NOT NULL
);
INSERT INTO changes (one, n) VALUES (1, 1);

-- The actors of this blog. Handles share one namespace, and the handle of a retired voice stays taken.
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
    old_private_key    TEXT      NOT NULL DEFAULT '',   -- the previous RSA key, while deliveries still need it:
    rotation           TEXT      NOT NULL DEFAULT '',   -- it signs this activity, which announces the new key, and all older ones
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
    silent_at          TIMESTAMP,                  -- when the voice of the blog or of a series was switched off
    introduce_at       TIMESTAMP,                  -- when the Update of a changed profile is sent
    leaves_at          TIMESTAMP,                  -- when the account will be deleted, at its owner's wish
    retired_at         TIMESTAMP
);
CREATE UNIQUE INDEX voices_site ON voices (kind) WHERE kind = 'site';

-- Former handles of a voice. They lead to it for ever, and no other voice can get them.
CREATE TABLE handles (
    handle        TEXT      PRIMARY KEY,
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    until         TIMESTAMP NOT NULL
);

-- Moves of voices to an actor elsewhere: planned, done or cancelled.
CREATE TABLE moves (
    id            TEXT      PRIMARY KEY,
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    target        TEXT      NOT NULL,              -- id of the other actor
    handle        TEXT      NOT NULL DEFAULT '',   -- its name@server
    asked_at      TIMESTAMP NOT NULL,
    due_at        TIMESTAMP NOT NULL,
    moved_at      TIMESTAMP,
    ended_at      TIMESTAMP,                       -- cancelled
    trouble       TEXT      NOT NULL DEFAULT '',   -- why it failed, or waits
    activity_id   TEXT      NOT NULL DEFAULT '',
    followers     INTEGER   NOT NULL DEFAULT 0     -- their number at the time of the move
);
CREATE UNIQUE INDEX moves_planned ON moves (voice_id) WHERE moved_at IS NULL AND ended_at IS NULL;

-- The voices that can sign in.
CREATE TABLE authors (
    voice_id      TEXT      PRIMARY KEY REFERENCES voices (id),
    email         TEXT      NOT NULL DEFAULT '',
    password      TEXT      NOT NULL DEFAULT '',   -- argon2id, PHC form
    role          TEXT      NOT NULL CHECK (role IN ('admin', 'editor', 'author', 'contributor')),
    language      TEXT      NOT NULL DEFAULT '',
    timezone      TEXT      NOT NULL DEFAULT '',
    hold_seconds  INTEGER   NOT NULL DEFAULT 10,   -- how long a publication from the admin pages can be undone
    disabled_at   TIMESTAMP
);
CREATE UNIQUE INDEX authors_email ON authors (email) WHERE email <> '';

-- Browser sessions. Only a hash of the token is stored.
CREATE TABLE sign_ins (
    token_hash    TEXT      PRIMARY KEY,
    voice_id      TEXT      NOT NULL REFERENCES authors (voice_id),
    device        TEXT      NOT NULL DEFAULT '',
    created_at    TIMESTAMP NOT NULL,
    used_at       TIMESTAMP NOT NULL,
    expires_at    TIMESTAMP NOT NULL
);
CREATE INDEX sign_ins_voice ON sign_ins (voice_id);

-- One-time links: 'first-run' creates the first author, 'sign-in' signs one author in.
CREATE TABLE links (
    token_hash    TEXT      PRIMARY KEY,
    kind          TEXT      NOT NULL CHECK (kind IN ('first-run', 'sign-in')),
    voice_id      TEXT      NOT NULL DEFAULT '',
    created_at    TIMESTAMP NOT NULL,
    expires_at    TIMESTAMP NOT NULL
);

-- Wrong passwords, by account and by source. In the database, so that all processes slow them down together.
CREATE TABLE guesses (
    subject       TEXT      NOT NULL,
    at            TIMESTAMP NOT NULL
);
CREATE INDEX guesses_subject ON guesses (subject, at);
