-- +goose Up

-- Actors on other servers.
CREATE TABLE actors (
    id                TEXT      PRIMARY KEY,       -- ActivityPub id
    type              TEXT      NOT NULL,
    handle            TEXT      NOT NULL DEFAULT '',
    handle_checked_at TIMESTAMP,
    name              TEXT      NOT NULL DEFAULT '',
    summary           TEXT      NOT NULL DEFAULT '',
    icon              TEXT      NOT NULL DEFAULT '',
    url               TEXT      NOT NULL DEFAULT '',
    host              TEXT      NOT NULL,
    domain            TEXT      NOT NULL,          -- host as blocks write it: ASCII, without a port
    block             TEXT      NOT NULL DEFAULT '' CHECK (block IN ('', 'limit', 'refuse')),   -- the level of the block that applies to it
    inbox             TEXT      NOT NULL,
    shared_inbox      TEXT      NOT NULL DEFAULT '',
    mailbox           TEXT      NOT NULL,          -- inbox for deliveries: the shared one, or its own
    mail_host         TEXT      NOT NULL,          -- server of the mailbox
    followers_url     TEXT      NOT NULL DEFAULT '',
    moved_to          TEXT      NOT NULL DEFAULT '',
    also_known_as     TEXT      NOT NULL DEFAULT '',
    fetched_at        TIMESTAMP NOT NULL,
    refresh_at        TIMESTAMP NOT NULL,          -- when it is fetched again
    silent_since      TIMESTAMP,                   -- since when its server does not answer for it
    moved_at          TIMESTAMP,                   -- when their last Move was followed
    confirm_at        TIMESTAMP,                   -- when to check again whether the account is gone, if no Delete said so
    key_mark          TEXT      NOT NULL DEFAULT '', -- changes when the account has a new owner; only texts with the same mark are theirs
    gone_at           TIMESTAMP
);
CREATE INDEX actors_handle ON actors (lower(handle));
CREATE INDEX actors_refresh ON actors (refresh_at); -- not partial: nearly all rows would be in it, which misleads PostgreSQL before its first ANALYZE
CREATE INDEX actors_confirm ON actors (confirm_at) WHERE confirm_at IS NOT NULL;
CREATE INDEX actors_host  ON actors (host);
CREATE INDEX actors_inbox ON actors (inbox);
CREATE INDEX actors_domain  ON actors (domain, block);
CREATE INDEX actors_blocked ON actors (id) WHERE block <> '';
CREATE INDEX actors_refused ON actors (id) WHERE block = 'refuse';

CREATE TABLE actor_keys (
    actor_id      TEXT      NOT NULL REFERENCES actors (id),
    key_id        TEXT      NOT NULL,
    pem           TEXT      NOT NULL,
    PRIMARY KEY (actor_id, key_id)
);
CREATE INDEX actor_keys_key ON actor_keys (key_id);

CREATE TABLE followers (
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    actor_id      TEXT      NOT NULL REFERENCES actors (id),
    follow_id     TEXT      NOT NULL,
    state         TEXT      NOT NULL CHECK (state IN ('pending', 'accepted', 'aside')),
    since         TIMESTAMP NOT NULL,
    accept_id     TEXT      NOT NULL DEFAULT '',   -- our last Accept
    PRIMARY KEY (voice_id, actor_id)
);
CREATE INDEX followers_actor ON followers (actor_id);
CREATE INDEX followers_aside ON followers (actor_id) WHERE state = 'aside';

CREATE TABLE following (
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    actor_id      TEXT      NOT NULL REFERENCES actors (id),
    follow_id     TEXT      NOT NULL,
    state         TEXT      NOT NULL CHECK (state IN ('pending', 'accepted')),
    since         TIMESTAMP NOT NULL,
    PRIMARY KEY (voice_id, actor_id)
);
CREATE INDEX following_actor ON following (actor_id);

-- Likes and boosts by our voices, each with its activity, which an Undo needs.
CREATE TABLE gestures (
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    kind          TEXT      NOT NULL CHECK (kind IN ('like', 'boost')),
    address       TEXT      NOT NULL,
    actor_id      TEXT      NOT NULL,              -- author of the post
    activity_id   TEXT      NOT NULL,
    at            TIMESTAMP NOT NULL,
    PRIMARY KEY (voice_id, kind, address)
);
CREATE INDEX gestures_activity ON gestures (activity_id);

CREATE TABLE blocks (
    kind          TEXT      NOT NULL CHECK (kind IN ('host', 'actor')),
    subject       TEXT      NOT NULL,
    level         TEXT      NOT NULL CHECK (level IN ('limit', 'refuse')),
    reason        TEXT      NOT NULL DEFAULT '',
    note          TEXT      NOT NULL DEFAULT '',
    at            TIMESTAMP NOT NULL,
    PRIMARY KEY (kind, subject)
);

-- The only servers to exchange anything with, when the site is set to an allow list.
CREATE TABLE allowed (
    host          TEXT      PRIMARY KEY,
    note          TEXT      NOT NULL DEFAULT '',
    at            TIMESTAMP NOT NULL
);

-- Comments on an article: replies, and posts elsewhere that quote or mention it. Restricted ones are here too. One
-- condition keeps them out of every public query.
CREATE TABLE comments (
    id            TEXT      PRIMARY KEY,
    kind          TEXT      NOT NULL DEFAULT '' CHECK (kind IN ('', 'quote', 'mention', 'link')),   -- '' is a reply
    address       TEXT      NOT NULL UNIQUE,
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    parent_id     TEXT      NOT NULL DEFAULT '',
    actor_id      TEXT      NOT NULL DEFAULT '',
    voice_id      TEXT      NOT NULL DEFAULT '',
    origin        TEXT      NOT NULL CHECK (origin IN ('pushed', 'fetched', 'forwarded', 'local', 'webmention')),
    visibility    TEXT      NOT NULL CHECK (visibility IN ('public', 'unlisted', 'restricted')),
    state         TEXT      NOT NULL CHECK (state IN ('waiting', 'shown', 'hidden', 'spam', 'removed')),
    held          BOOLEAN   NOT NULL DEFAULT FALSE,   -- it waits only because its author is limited
    html          TEXT      NOT NULL DEFAULT '',
    plain         TEXT      NOT NULL DEFAULT '',
    markdown      TEXT      NOT NULL DEFAULT '',
    warning       TEXT      NOT NULL DEFAULT '',
    language      TEXT      NOT NULL DEFAULT '',
    url           TEXT      NOT NULL DEFAULT '',
    context_url   TEXT      NOT NULL DEFAULT '',   -- collection of its whole conversation on its own server
    replies_url   TEXT      NOT NULL DEFAULT '',   -- and of the replies to it
    read_at       TIMESTAMP,                       -- when these collections were read last
    published_at  TIMESTAMP NOT NULL,
    sorted_at     TIMESTAMP NOT NULL,
    arrived_at    TIMESTAMP NOT NULL,
    updated_at    TIMESTAMP,
    key_mark      TEXT      NOT NULL DEFAULT ''
);
CREATE INDEX comments_article ON comments (article_id, sorted_at);
CREATE INDEX comments_parent  ON comments (article_id, parent_id, id);
CREATE INDEX comments_actor   ON comments (actor_id);
CREATE INDEX comments_state   ON comments (state, arrived_at);

-- Posts elsewhere that mention a voice but no article. Only that voice sees them.
CREATE TABLE mentions (
    id            TEXT      PRIMARY KEY,
    address       TEXT      NOT NULL,
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    actor_id      TEXT      NOT NULL REFERENCES actors (id),
    visibility    TEXT      NOT NULL CHECK (visibility IN ('public', 'unlisted', 'restricted')),
    html          TEXT      NOT NULL,
    plain         TEXT      NOT NULL,
    warning       TEXT      NOT NULL DEFAULT '',
    language      TEXT      NOT NULL DEFAULT '',
    url           TEXT      NOT NULL DEFAULT '',
    answers       TEXT      NOT NULL DEFAULT '',   -- address of its parent
    published_at  TIMESTAMP NOT NULL,
    arrived_at    TIMESTAMP NOT NULL,
    updated_at    TIMESTAMP,
    key_mark      TEXT      NOT NULL DEFAULT '',
    hidden        BOOLEAN   NOT NULL DEFAULT FALSE,
    UNIQUE (address, voice_id)
);
CREATE INDEX mentions_voice ON mentions (voice_id, id);
CREATE INDEX mentions_actor ON mentions (actor_id);

-- Backfill: when the missing replies of an article are fetched next, and what was found the last time. free_at is the
-- end of the lease, claims its fence.
CREATE TABLE completions (
    article_id    TEXT      PRIMARY KEY REFERENCES articles (id),
    since         TIMESTAMP NOT NULL,              -- when the newest comment arrived
    step          INTEGER   NOT NULL DEFAULT 0,    -- how many backfills have run since then
    due_at        TIMESTAMP,
    free_at       TIMESTAMP NOT NULL,
    claims        BIGINT    NOT NULL DEFAULT 0,
    ran_at        TIMESTAMP,
    found         TEXT      NOT NULL DEFAULT ''
);
CREATE INDEX completions_due ON completions (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE comment_revisions (
    comment_id    TEXT      NOT NULL REFERENCES comments (id),
    at            TIMESTAMP NOT NULL,
    html          TEXT      NOT NULL,
    PRIMARY KEY (comment_id, at)
);

CREATE TABLE reactions (
    id            TEXT      PRIMARY KEY,
    address       TEXT      NOT NULL,
    kind          TEXT      NOT NULL CHECK (kind IN ('like', 'boost', 'emoji')),
    actor_id      TEXT      NOT NULL REFERENCES actors (id),
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    comment_id    TEXT      NOT NULL DEFAULT '',
    emoji         TEXT      NOT NULL DEFAULT '',
    at            TIMESTAMP NOT NULL,
    UNIQUE (actor_id, article_id, comment_id, kind, emoji)
);
CREATE INDEX reactions_article ON reactions (article_id, kind);
CREATE INDEX reactions_address ON reactions (address);

-- Authorizations of posts elsewhere that quote an article or reply to it (FEP-044f, reply authorizations).
CREATE TABLE stamps (
    id            TEXT      PRIMARY KEY,
    kind          TEXT      NOT NULL CHECK (kind IN ('quote', 'reply')),
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    target        TEXT      NOT NULL,              -- our object, by its ActivityPub id
    instrument    TEXT      NOT NULL,              -- the post, by its id
    actor_id      TEXT      NOT NULL REFERENCES actors (id),
    request_id    TEXT      NOT NULL DEFAULT '',
    requested     BOOLEAN   NOT NULL,
    state         TEXT      NOT NULL CHECK (state IN ('asked', 'given', 'refused', 'revoked')),
    at            TIMESTAMP NOT NULL,
    UNIQUE (instrument, kind)
);
CREATE INDEX stamps_article ON stamps (article_id, actor_id);
CREATE INDEX stamps_actor   ON stamps (actor_id);

-- Reports to us, which only moderators see, and our reports to other servers.
CREATE TABLE reports (
    id            TEXT      PRIMARY KEY,
    direction     TEXT      NOT NULL CHECK (direction IN ('in', 'out')),
    actor_id      TEXT      NOT NULL,              -- who reported us, or whom we reported
    host          TEXT      NOT NULL,              -- of that actor
    voice_id      TEXT      NOT NULL DEFAULT '',   -- our voice that reported
    about         TEXT      NOT NULL,              -- addresses
    comment_id    TEXT      NOT NULL DEFAULT '',   -- of a report of ours
    activity_id   TEXT      NOT NULL DEFAULT '',   -- the Flag of ours
    words         TEXT      NOT NULL,
    state         TEXT      NOT NULL CHECK (state IN ('open', 'resolved')),
    resolved_by   TEXT      NOT NULL DEFAULT '',
    at            TIMESTAMP NOT NULL,
    resolved_at   TIMESTAMP
);
CREATE INDEX reports_state   ON reports (direction, state, id);
CREATE INDEX reports_host    ON reports (host) WHERE direction = 'in' AND state = 'open';
CREATE INDEX reports_actor   ON reports (actor_id);
CREATE INDEX reports_comment ON reports (comment_id) WHERE comment_id <> '';
