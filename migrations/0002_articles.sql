-- +goose Up

CREATE TABLE media (
    id            TEXT      PRIMARY KEY,
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    type          TEXT      NOT NULL,
    width         INTEGER   NOT NULL,
    height        INTEGER   NOT NULL,
    blurhash      TEXT      NOT NULL DEFAULT '',
    alt           TEXT      NOT NULL DEFAULT '',
    name          TEXT      NOT NULL DEFAULT '',
    digest        TEXT      NOT NULL,
    created_at    TIMESTAMP NOT NULL,
    UNIQUE (voice_id, digest)
);

CREATE TABLE media_files (
    picture_id    TEXT      NOT NULL REFERENCES media (id),
    file          TEXT      PRIMARY KEY,
    width         INTEGER   NOT NULL,
    height        INTEGER   NOT NULL,
    size          BIGINT    NOT NULL
);
CREATE INDEX media_files_picture ON media_files (picture_id);

-- Files of deleted pictures that are still on the disk.
CREATE TABLE discarded_files (
    file          TEXT      PRIMARY KEY
);

CREATE TABLE series (
    id            TEXT      PRIMARY KEY,
    slug          TEXT      NOT NULL UNIQUE,
    title         TEXT      NOT NULL,
    description   TEXT      NOT NULL DEFAULT '',
    language      TEXT      NOT NULL DEFAULT '',
    planned       INTEGER   NOT NULL DEFAULT 0,
    voice_id      TEXT      NOT NULL DEFAULT ''    -- announces its parts; '' when the series cannot be followed
);
CREATE UNIQUE INDEX series_voice ON series (voice_id) WHERE voice_id <> '';

-- An article of one voice. Its texts, the original too, are in article_texts.
CREATE TABLE articles (
    id            TEXT      PRIMARY KEY,
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    status        TEXT      NOT NULL CHECK (status IN ('draft', 'scheduled', 'published', 'withdrawn', 'deleted')),
    format        TEXT      NOT NULL CHECK (format IN ('article', 'note-full', 'note-teaser')),
    visibility    TEXT      NOT NULL CHECK (visibility IN ('public', 'unlisted', 'followers', 'local')),
    comments      TEXT      NOT NULL CHECK (comments IN ('open', 'known', 'approve', 'closed')),
    quotes        TEXT      NOT NULL DEFAULT 'everyone',
    warning       TEXT      NOT NULL DEFAULT '',
    language      TEXT      NOT NULL,              -- of the original
    series_id     TEXT      NOT NULL DEFAULT '',
    part          INTEGER   NOT NULL DEFAULT 0,
    picture_id    TEXT      NOT NULL DEFAULT '',
    picture_alt   TEXT      NOT NULL DEFAULT '',
    file          TEXT      NOT NULL DEFAULT '',   -- name of the file that it was read from last
    month         TEXT      NOT NULL DEFAULT '',   -- of the first publication; part of the address for ever
    object_id     TEXT      NOT NULL DEFAULT '',   -- its current object, the one without gone_at
    revision      INTEGER   NOT NULL DEFAULT 0,
    published_at  TIMESTAMP,
    updated_at    TIMESTAMP,
    scheduled_at  TIMESTAMP,
    created_at    TIMESTAMP NOT NULL,
    saved_at      TIMESTAMP NOT NULL,
    deleted_at    TIMESTAMP
);
CREATE INDEX articles_newest   ON articles (published_at, id) WHERE status = 'published' AND visibility IN ('public', 'local');
CREATE INDEX articles_voice    ON articles (voice_id, published_at);
CREATE INDEX articles_series   ON articles (series_id, part);
CREATE INDEX articles_schedule ON articles (scheduled_at) WHERE status = 'scheduled';

CREATE TABLE article_texts (
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    language      TEXT      NOT NULL,
    title         TEXT      NOT NULL DEFAULT '',
    subtitle      TEXT      NOT NULL DEFAULT '',
    summary       TEXT      NOT NULL DEFAULT '',
    markdown      TEXT      NOT NULL DEFAULT '',
    html          TEXT      NOT NULL DEFAULT '',
    plain         TEXT      NOT NULL DEFAULT '',
    slug          TEXT      NOT NULL DEFAULT '',
    words         INTEGER   NOT NULL DEFAULT 0,
    translator    TEXT      NOT NULL DEFAULT '',
    draft         BOOLEAN   NOT NULL DEFAULT FALSE, -- a translation that readers cannot see yet
    of_revision   INTEGER   NOT NULL DEFAULT 0,    -- revision in which the original's text last changed; for a translation, the one it was made from
    PRIMARY KEY (article_id, language)
);

-- The by-line in its order: other voices and guests beside the owner.
CREATE TABLE article_authors (
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    position      INTEGER   NOT NULL,
    voice_id      TEXT      NOT NULL DEFAULT '',
    guest_name    TEXT      NOT NULL DEFAULT '',
    guest_url     TEXT      NOT NULL DEFAULT '',
    PRIMARY KEY (article_id, position)
);
CREATE INDEX article_authors_voice ON article_authors (voice_id);

-- Articles that are shown first on their owner's page.
CREATE TABLE pins (
    article_id    TEXT      PRIMARY KEY REFERENCES articles (id),
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    at            TIMESTAMP NOT NULL
);
CREATE INDEX pins_voice ON pins (voice_id, at);

CREATE TABLE article_tags (
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    position      INTEGER   NOT NULL,
    tag           TEXT      NOT NULL,              -- in lower case, as in addresses
    name          TEXT      NOT NULL,              -- as its author writes it
    PRIMARY KEY (article_id, tag)
);
CREATE INDEX article_tags_tag ON article_tags (tag);

-- Posts elsewhere that an article replies to or quotes, and whether their authors allow the quote (FEP-044f).
CREATE TABLE article_sources (
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    kind          TEXT      NOT NULL CHECK (kind IN ('answers', 'quotes')),
    address       TEXT      NOT NULL,
    actor_id      TEXT      NOT NULL DEFAULT '',   -- its author; '' until it was looked up
    consent       TEXT      NOT NULL DEFAULT '' CHECK (consent IN ('', 'asked', 'given', 'refused')),
    stamp         TEXT      NOT NULL DEFAULT '',   -- address of the authorization that proves it
    PRIMARY KEY (article_id, kind)
);
CREATE INDEX article_sources_stamp ON article_sources (stamp) WHERE stamp <> '';

-- Current and former slugs. A former one redirects for ever.
CREATE TABLE slugs (
    slug          TEXT      PRIMARY KEY,
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    language      TEXT      NOT NULL,
    is_current    BOOLEAN   NOT NULL
);
CREATE INDEX slugs_article ON slugs (article_id);

CREATE TABLE revisions (
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    language      TEXT      NOT NULL,
    number        INTEGER   NOT NULL,
    kind          TEXT      NOT NULL CHECK (kind IN ('autosave', 'saved', 'published')),
    title         TEXT      NOT NULL,
    summary       TEXT      NOT NULL,
    markdown      TEXT      NOT NULL,
    author        TEXT      NOT NULL DEFAULT '',
    note          TEXT      NOT NULL DEFAULT '',
    at            TIMESTAMP NOT NULL,
    PRIMARY KEY (article_id, language, number)
);

-- The ActivityPub objects of our articles and comments. A deleted one answers 410, and replies to it still find the
-- article.
CREATE TABLE objects (
    id            TEXT      PRIMARY KEY,
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    comment_id    TEXT      NOT NULL DEFAULT '',
    payload       BYTEA     NOT NULL,              -- the bytes that were sent last; a Tombstone after deletion
    revision      INTEGER   NOT NULL,
    at            TIMESTAMP NOT NULL,
    gone_at       TIMESTAMP
);
CREATE INDEX objects_of ON objects (article_id);
CREATE UNIQUE INDEX objects_article ON objects (article_id) WHERE gone_at IS NULL AND comment_id = '';
CREATE UNIQUE INDEX objects_comment ON objects (comment_id) WHERE gone_at IS NULL AND comment_id <> '';
