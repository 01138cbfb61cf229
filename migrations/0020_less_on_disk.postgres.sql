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
        convert_to(octet_length(markdown) || ' ' || octet_length(html) || chr(10) || markdown || html || plain, 'UTF8')
    FROM article_bodies;
DROP TABLE article_bodies;
ALTER TABLE packed_bodies RENAME TO article_bodies;
ALTER TABLE revisions ALTER COLUMN markdown TYPE BYTEA USING convert_to(markdown, 'UTF8');

-- What a server has of an object follows from the deliveries.
DROP TABLE holdings;

-- The inboxes of deliveries that were summed up.
CREATE TABLE inboxes (
    id            BIGINT    GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
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
    inboxes       BIGINT[]  NOT NULL,              -- their numbers
    PRIMARY KEY (activity_id, part)
);
