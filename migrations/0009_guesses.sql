-- +goose Up
-- Wrong passwords, by account and by source. A known browser and a session are sources of their own, without an account.
-- Old rows matter for 15 minutes only, so they are not copied.
DROP TABLE guesses;
CREATE TABLE guesses (
    id            TEXT      PRIMARY KEY,
    account       TEXT      NOT NULL,
    source        TEXT      NOT NULL,
    at            TIMESTAMP NOT NULL
);
CREATE INDEX guesses_account ON guesses (account, at);
CREATE INDEX guesses_source ON guesses (source, at);
CREATE INDEX guesses_at ON guesses (at);

-- Browsers in which an author has signed in. Only a hash of the token is stored.
CREATE TABLE known_browsers (
    token_hash    TEXT      PRIMARY KEY,
    voice_id      TEXT      NOT NULL REFERENCES authors (voice_id),
    seen_at       TIMESTAMP NOT NULL
);
CREATE INDEX known_browsers_voice ON known_browsers (voice_id, seen_at);
