-- +goose Up

-- The long part of a text in one column: the lengths of Markdown and HTML in bytes, a line feed, and then Markdown,
-- HTML and plain text. From now on it is compressed when it is saved, and so are the Markdown of revisions and the
-- payloads of objects and activities (zstd). Older values stay as they are until they are saved again.
CREATE TABLE packed_bodies (
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    language      TEXT      NOT NULL,
    body          BYTEA     NOT NULL,
    PRIMARY KEY (article_id, language)
);
INSERT INTO packed_bodies (article_id, language, body)
    SELECT article_id, language,
        CAST(octet_length(markdown) || ' ' || octet_length(html) || char(10) || markdown || html || plain AS BLOB)
    FROM article_bodies;
DROP TABLE article_bodies;
ALTER TABLE packed_bodies RENAME TO article_bodies;

-- The key is the row: a table with row numbers would have the addresses a second time, in the index of its key.
CREATE TABLE short_deliveries (
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
    asked         BOOLEAN   NOT NULL DEFAULT FALSE,    -- a person asked for this attempt
    PRIMARY KEY (activity_id, inbox)
) WITHOUT ROWID;
INSERT INTO short_deliveries SELECT activity_id, inbox, host, attempts, status, code, answer, took_ms, revision, unsure,
    welcome, written_at, settled_at, asked FROM deliveries ORDER BY activity_id, inbox;
DROP TABLE deliveries;
ALTER TABLE short_deliveries RENAME TO deliveries;
CREATE INDEX deliveries_given_up ON deliveries (host) WHERE status = 'given up';
CREATE INDEX deliveries_waiting ON deliveries (host, activity_id) WHERE settled_at IS NULL;

-- +goose StatementBegin
CREATE TRIGGER deliveries_changed AFTER UPDATE OF status, unsure, revision, attempts ON deliveries
WHEN OLD.status <> NEW.status OR OLD.unsure <> NEW.unsure OR OLD.revision <> NEW.revision
    OR (OLD.attempts = 0) <> (NEW.attempts = 0) BEGIN
    UPDATE delivery_samples SET stale = 2 WHERE stale < 2 AND article_id = (
        SELECT o.article_id FROM activities a JOIN objects o ON o.id = a.object_id WHERE a.id = NEW.activity_id);
END;
-- +goose StatementEnd

-- What a server has of an object follows from the deliveries.
DROP TABLE holdings;

-- The inboxes of deliveries that were summed up.
CREATE TABLE inboxes (
    id            INTEGER   PRIMARY KEY,
    inbox         TEXT      NOT NULL UNIQUE,
    host          TEXT      NOT NULL
);
CREATE INDEX inboxes_host ON inboxes (host);

-- Old deliveries of one activity that ended in the same way, summed up.
CREATE TABLE past_deliveries (
    activity_id   TEXT      NOT NULL REFERENCES activities (id),
    part          INTEGER   NOT NULL,
    n             INTEGER   NOT NULL,              -- how many they are
    status        TEXT      NOT NULL,
    code          INTEGER   NOT NULL,
    answer        TEXT      NOT NULL,
    attempts      INTEGER   NOT NULL,              -- 1 when they were tried at all
    revision      INTEGER   NOT NULL,
    unsure        BOOLEAN   NOT NULL,
    welcome       BOOLEAN   NOT NULL,
    settled_at    TIMESTAMP NOT NULL,              -- of the last one
    inboxes       TEXT      NOT NULL,              -- their numbers, as a JSON array
    PRIMARY KEY (activity_id, part)
);
