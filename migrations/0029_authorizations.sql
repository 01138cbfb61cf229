-- +goose Up

-- Authorizations: of posts elsewhere that quote an article or reply to it (FEP-044f, reply authorizations), and of
-- collections elsewhere that feature an author (FEP-7aa9). The table was called stamps.
CREATE TABLE authorizations (
    id            TEXT      PRIMARY KEY,
    kind          TEXT      NOT NULL CHECK (kind IN ('quote', 'reply', 'feature')),
    article_id    TEXT      REFERENCES articles (id), -- of a post; NULL of a collection
    voice_id      TEXT      NOT NULL DEFAULT '',   -- the author whom a collection features; '' of a post
    target        TEXT      NOT NULL,              -- our object or actor, by its ActivityPub id
    instrument    TEXT      NOT NULL,              -- the post or the collection, by its id
    item          TEXT      NOT NULL DEFAULT '',   -- the author's item in the collection; '' while none is known
    actor_id      TEXT      REFERENCES actors (id), -- whose it is; NULL of a collection of this blog
    domain        TEXT      NOT NULL DEFAULT '',   -- registrable domain of the owner of a collection; '' of a post
    request_id    TEXT      NOT NULL DEFAULT '',
    requested     BOOLEAN   NOT NULL,
    state         TEXT      NOT NULL CHECK (state IN ('asked', 'given', 'refused', 'revoked')),
    at            TIMESTAMP NOT NULL,
    UNIQUE (instrument, kind, voice_id)
);
INSERT INTO authorizations (id, kind, article_id, target, instrument, actor_id, request_id, requested, state, at)
    SELECT id, kind, article_id, target, instrument, actor_id, request_id, requested, state, at FROM stamps;
DROP TABLE stamps;
CREATE INDEX authorizations_article ON authorizations (article_id, actor_id);
CREATE INDEX authorizations_actor   ON authorizations (actor_id);
CREATE INDEX authorizations_voice   ON authorizations (voice_id, state, at) WHERE kind = 'feature';
CREATE INDEX authorizations_domain  ON authorizations (voice_id, domain) WHERE kind = 'feature';
CREATE INDEX authorizations_old     ON authorizations (state, at) WHERE kind = 'feature';

-- Collections elsewhere that feature an author, or ask to.
CREATE TABLE featured_collections (
    address       TEXT      PRIMARY KEY,           -- ActivityPub id
    actor_id      TEXT      NOT NULL REFERENCES actors (id), -- whose it is
    name          TEXT      NOT NULL,
    topic         TEXT      NOT NULL,              -- a hashtag without its "#"; '' without one
    url           TEXT      NOT NULL,              -- page to see it on
    check_at      TIMESTAMP NOT NULL               -- when it is fetched again
);
CREATE INDEX featured_collections_actor ON featured_collections (actor_id);
CREATE INDEX featured_collections_check ON featured_collections (check_at);

-- Who may feature an author: everyone, followers, ask (the author), nobody; '' follows discoverable and
-- approves_followers.
ALTER TABLE voices ADD COLUMN can_feature TEXT NOT NULL DEFAULT ''
    CHECK (can_feature IN ('', 'everyone', 'followers', 'ask', 'nobody'));
