-- +goose Up

-- The first comment of the thread that a reply belongs to; '' for that first comment itself. It never changes, whatever
-- readers may see of the thread.
ALTER TABLE comments ADD COLUMN root_id TEXT NOT NULL DEFAULT '';
-- The owner of the article, for the moderation lists of one author.
ALTER TABLE comments ADD COLUMN owner_id TEXT NOT NULL DEFAULT '';

UPDATE comments SET owner_id = (SELECT a.voice_id FROM articles a WHERE a.id = comments.article_id);

CREATE TABLE tree AS
WITH RECURSIVE t (id, article_id, root_id) AS (
    SELECT c.id, c.article_id, c.id FROM comments c WHERE c.parent_id = ''
        OR NOT EXISTS (SELECT 1 FROM comments p WHERE p.id = c.parent_id AND p.article_id = c.article_id)
    UNION ALL
    SELECT c.id, c.article_id, t.root_id FROM t JOIN comments c ON c.article_id = t.article_id AND c.parent_id = t.id
) SELECT id, root_id FROM t WHERE id <> root_id;
CREATE INDEX tree_id ON tree (id);
UPDATE comments SET root_id = (SELECT t.root_id FROM tree t WHERE t.id = comments.id)
WHERE id IN (SELECT t.id FROM tree t);
DROP TABLE tree;

-- Moderation lists are read in the order of ids, which is that of arrival.
DROP INDEX comments_state;
CREATE INDEX comments_state ON comments (state, id);
CREATE INDEX comments_owner ON comments (owner_id, state, id);
CREATE INDEX comments_private ON comments (owner_id, id) WHERE visibility = 'restricted';
CREATE INDEX comments_pushed ON comments (arrived_at) WHERE origin = 'pushed';
CREATE INDEX comments_fetched ON comments (article_id) WHERE origin = 'fetched';
CREATE INDEX comments_thread ON comments (root_id, sorted_at, id, state, visibility, actor_id) WHERE root_id <> '';
DROP INDEX comments_article;
CREATE INDEX comments_article ON comments (article_id, sorted_at, id);
DROP INDEX reactions_article;
CREATE INDEX reactions_target ON reactions (article_id, comment_id, at, id);

-- What follows is counted by triggers, in the transaction of each change. A comment counts while readers may see it: it
-- is shown, not restricted, and its writer is not refused. A reaction counts while its writer has no block at all.
--
-- slot spreads a count over several rows, whose sum is the count. Two transactions never write to the same row, so they
-- do not wait for each other. SQLite has one writer and uses slot 0 alone.

CREATE TABLE conversation_counts (
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    slot          INTEGER   NOT NULL DEFAULT 0,
    replies       INTEGER   NOT NULL DEFAULT 0,
    direct        INTEGER   NOT NULL DEFAULT 0,    -- replies to the article itself
    mentions      INTEGER   NOT NULL DEFAULT 0,    -- posts elsewhere that quote, mention or link to it
    people        INTEGER   NOT NULL DEFAULT 0,    -- elsewhere, who replied
    servers       INTEGER   NOT NULL DEFAULT 0,    -- on which these people are
    PRIMARY KEY (article_id, slot)
) WITHOUT ROWID;

-- How many public replies each person elsewhere wrote under an article.
CREATE TABLE repliers (
    article_id    TEXT      NOT NULL,
    actor_id      TEXT      NOT NULL,
    n             INTEGER   NOT NULL,
    PRIMARY KEY (article_id, actor_id)
) WITHOUT ROWID;

-- How many people of each server replied to an article.
CREATE TABLE replier_servers (
    article_id    TEXT      NOT NULL,
    host          TEXT      NOT NULL,
    n             INTEGER   NOT NULL,
    PRIMARY KEY (article_id, host)
) WITHOUT ROWID;

-- The threads under an article in their order, each with its first comment and the number of comments that count.
CREATE TABLE threads (
    article_id    TEXT      NOT NULL,
    sorted_at     TIMESTAMP NOT NULL,              -- of the first comment
    root_id       TEXT      NOT NULL,
    slot          INTEGER   NOT NULL DEFAULT 0,
    n             INTEGER   NOT NULL DEFAULT 0,
    removed       INTEGER   NOT NULL DEFAULT 0,    -- comments that are removed and may keep the place of their replies
    own           INTEGER   NOT NULL DEFAULT 0,    -- among n, those of our authors
    PRIMARY KEY (article_id, sorted_at, root_id, slot)
) WITHOUT ROWID;
CREATE INDEX threads_own ON threads (article_id, sorted_at, root_id) WHERE own <> 0;

-- Likes, boosts and emoji reactions to an article or a comment, and the direct replies to a comment. A like and emoji
-- reactions of one person count as one like.
CREATE TABLE target_counts (
    target_id     TEXT      NOT NULL,
    kind          TEXT      NOT NULL CHECK (kind IN ('like', 'boost', 'emoji', 'reply')),
    emoji         TEXT      NOT NULL DEFAULT '',
    slot          INTEGER   NOT NULL DEFAULT 0,
    n             INTEGER   NOT NULL,
    PRIMARY KEY (target_id, kind, emoji, slot)
) WITHOUT ROWID;
CREATE INDEX target_counts_emojis ON target_counts (target_id, n) WHERE kind = 'emoji';

-- The same reactions by server. Only servers with more than a hundred of them are looked up: blog.CountFairly counts
-- the others in full.
CREATE TABLE reaction_servers (
    target_id     TEXT      NOT NULL,
    kind          TEXT      NOT NULL,
    emoji         TEXT      NOT NULL DEFAULT '',
    host          TEXT      NOT NULL,
    n             INTEGER   NOT NULL,
    PRIMARY KEY (target_id, kind, emoji, host)
) WITHOUT ROWID;
CREATE INDEX reaction_servers_large ON reaction_servers (target_id, kind, emoji, n) WHERE n > 100;

-- The comments on the articles of a voice by state, and those among them that readers of listed articles see.
CREATE TABLE comment_totals (
    voice_id      TEXT      NOT NULL,
    state         TEXT      NOT NULL,
    private       BOOLEAN   NOT NULL,
    slot          INTEGER   NOT NULL DEFAULT 0,
    n             INTEGER   NOT NULL DEFAULT 0,
    listed        INTEGER   NOT NULL DEFAULT 0,
    PRIMARY KEY (voice_id, state, private, slot)
) WITHOUT ROWID;

-- The counts of what is here already.
INSERT INTO repliers (article_id, actor_id, n)
SELECT c.article_id, c.actor_id, count(*) FROM comments c
WHERE c.state = 'shown' AND c.visibility <> 'restricted' AND c.kind = '' AND c.actor_id <> ''
    AND NOT EXISTS (SELECT 1 FROM actors p WHERE p.id = c.actor_id AND p.block = 'refuse')
GROUP BY c.article_id, c.actor_id;

INSERT INTO replier_servers (article_id, host, n)
SELECT r.article_id, p.host, count(*) FROM repliers r JOIN actors p ON p.id = r.actor_id GROUP BY r.article_id, p.host;

INSERT INTO conversation_counts (article_id, replies, direct, mentions, people, servers)
SELECT c.article_id, sum(CASE WHEN c.kind = '' THEN 1 ELSE 0 END),
    sum(CASE WHEN c.kind = '' AND c.parent_id = '' THEN 1 ELSE 0 END), sum(CASE WHEN c.kind <> '' THEN 1 ELSE 0 END),
    (SELECT count(*) FROM repliers r WHERE r.article_id = c.article_id),
    (SELECT count(*) FROM replier_servers r WHERE r.article_id = c.article_id)
FROM comments c WHERE c.state = 'shown' AND c.visibility <> 'restricted'
    AND NOT EXISTS (SELECT 1 FROM actors p WHERE p.id = c.actor_id AND p.block = 'refuse')
GROUP BY c.article_id;

INSERT INTO threads (article_id, sorted_at, root_id, n, removed, own)
SELECT c.article_id, r.sorted_at, r.id, sum(CASE WHEN c.state = 'shown' THEN 1 ELSE 0 END),
    sum(CASE WHEN c.state = 'removed' THEN 1 ELSE 0 END),
    sum(CASE WHEN c.state = 'shown' AND c.voice_id <> '' THEN 1 ELSE 0 END)
FROM comments c JOIN comments r ON r.id = CASE c.root_id WHEN '' THEN c.id ELSE c.root_id END
WHERE c.state IN ('shown', 'removed') AND c.visibility <> 'restricted'
    AND NOT EXISTS (SELECT 1 FROM actors p WHERE p.id = c.actor_id AND p.block = 'refuse')
GROUP BY c.article_id, r.sorted_at, r.id;

INSERT INTO target_counts (target_id, kind, n)
SELECT c.parent_id, 'reply', count(*) FROM comments c
WHERE c.state = 'shown' AND c.visibility <> 'restricted' AND c.kind = '' AND c.parent_id <> ''
    AND NOT EXISTS (SELECT 1 FROM actors p WHERE p.id = c.actor_id AND p.block = 'refuse')
GROUP BY c.parent_id;

INSERT INTO reaction_servers (target_id, kind, emoji, host, n)
SELECT x.target_id, x.kind, x.emoji, p.host, count(*) FROM (
    SELECT DISTINCT CASE r.comment_id WHEN '' THEN r.article_id ELSE r.comment_id END AS target_id,
        CASE r.kind WHEN 'boost' THEN 'boost' ELSE 'like' END AS kind, '' AS emoji, r.actor_id FROM reactions r
    UNION ALL
    SELECT CASE r.comment_id WHEN '' THEN r.article_id ELSE r.comment_id END, 'emoji', r.emoji, r.actor_id FROM reactions r
    WHERE r.kind = 'emoji') AS x
JOIN actors p ON p.id = x.actor_id AND p.block = '' GROUP BY x.target_id, x.kind, x.emoji, p.host;

INSERT INTO target_counts (target_id, kind, emoji, n)
SELECT s.target_id, s.kind, s.emoji, sum(s.n) FROM reaction_servers s GROUP BY s.target_id, s.kind, s.emoji;

INSERT INTO comment_totals (voice_id, state, private, n, listed)
SELECT c.owner_id, c.state, c.visibility = 'restricted', count(*),
    sum(CASE WHEN c.state = 'shown' AND c.visibility <> 'restricted' AND a.status = 'published'
        AND a.visibility IN ('public', 'local')
        AND NOT EXISTS (SELECT 1 FROM actors p WHERE p.id = c.actor_id AND p.block = 'refuse') THEN 1 ELSE 0 END)
FROM comments c JOIN articles a ON a.id = c.article_id GROUP BY c.owner_id, c.state, c.visibility = 'restricted';

-- The two views have no rows. What is inserted into them is counted: the triggers below use them as subroutines.
CREATE VIEW visible_change AS SELECT '' AS id, '' AS article_id, '' AS root_id, '' AS parent_id, '' AS kind,
    '' AS actor_id, '' AS voice_id, '' AS owner_id, '' AS state, '' AS sorted_at, 0 AS change WHERE FALSE;

-- A comment that is shown or removed, not restricted and not by a refused actor, comes (1) or goes (-1).
-- +goose StatementBegin
CREATE TRIGGER visible_changed INSTEAD OF INSERT ON visible_change BEGIN
    INSERT INTO threads (article_id, sorted_at, root_id, n, removed, own)
    SELECT NEW.article_id, r.sorted_at, r.id, NEW.change * (NEW.state = 'shown'), NEW.change * (NEW.state = 'removed'),
        NEW.change * (NEW.state = 'shown' AND NEW.voice_id <> '')
    FROM comments r WHERE r.id = CASE NEW.root_id WHEN '' THEN NEW.id ELSE NEW.root_id END
    ON CONFLICT (article_id, sorted_at, root_id, slot) DO UPDATE SET n = n + excluded.n,
        removed = removed + excluded.removed, own = own + excluded.own;
    INSERT INTO conversation_counts (article_id, replies, direct, mentions)
    SELECT NEW.article_id, NEW.change * (NEW.kind = ''), NEW.change * (NEW.kind = '' AND NEW.parent_id = ''),
        NEW.change * (NEW.kind <> '')
    WHERE NEW.state = 'shown'
    ON CONFLICT (article_id, slot) DO UPDATE SET replies = replies + excluded.replies, direct = direct + excluded.direct,
        mentions = mentions + excluded.mentions;
    INSERT INTO comment_totals (voice_id, state, private, listed)
    SELECT NEW.owner_id, 'shown', FALSE, NEW.change FROM articles a
    WHERE a.id = NEW.article_id AND a.status = 'published' AND a.visibility IN ('public', 'local') AND NEW.state = 'shown'
    ON CONFLICT (voice_id, state, private, slot) DO UPDATE SET listed = listed + excluded.listed;
    INSERT INTO target_counts (target_id, kind, n)
    SELECT NEW.parent_id, 'reply', NEW.change WHERE NEW.state = 'shown' AND NEW.kind = '' AND NEW.parent_id <> ''
    ON CONFLICT (target_id, kind, emoji, slot) DO UPDATE SET n = n + excluded.n;
    INSERT INTO repliers (article_id, actor_id, n)
    SELECT NEW.article_id, NEW.actor_id, NEW.change WHERE NEW.state = 'shown' AND NEW.kind = '' AND NEW.actor_id <> ''
    ON CONFLICT (article_id, actor_id) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER comments_added AFTER INSERT ON comments BEGIN
    INSERT INTO comment_totals (voice_id, state, private, n) VALUES (NEW.owner_id, NEW.state, NEW.visibility = 'restricted', 1)
    ON CONFLICT (voice_id, state, private, slot) DO UPDATE SET n = n + 1;
    INSERT INTO visible_change SELECT NEW.id, NEW.article_id, NEW.root_id, NEW.parent_id, NEW.kind, NEW.actor_id,
        NEW.voice_id, NEW.owner_id, NEW.state, NEW.sorted_at, 1
    WHERE NEW.state IN ('shown', 'removed') AND NEW.visibility <> 'restricted'
        AND NOT EXISTS (SELECT 1 FROM actors p WHERE p.id = NEW.actor_id AND p.block = 'refuse');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER comments_changed AFTER UPDATE OF article_id, root_id, parent_id, kind, actor_id, voice_id, owner_id,
    visibility, state ON comments
WHEN (OLD.article_id, OLD.root_id, OLD.parent_id, OLD.kind, OLD.actor_id, OLD.voice_id, OLD.owner_id, OLD.visibility,
    OLD.state) <> (NEW.article_id, NEW.root_id, NEW.parent_id, NEW.kind, NEW.actor_id, NEW.voice_id, NEW.owner_id,
    NEW.visibility, NEW.state)
BEGIN
    INSERT INTO comment_totals (voice_id, state, private, n)
    VALUES (OLD.owner_id, OLD.state, OLD.visibility = 'restricted', -1)
    ON CONFLICT (voice_id, state, private, slot) DO UPDATE SET n = n - 1;
    INSERT INTO comment_totals (voice_id, state, private, n)
    VALUES (NEW.owner_id, NEW.state, NEW.visibility = 'restricted', 1)
    ON CONFLICT (voice_id, state, private, slot) DO UPDATE SET n = n + 1;
    INSERT INTO visible_change SELECT OLD.id, OLD.article_id, OLD.root_id, OLD.parent_id, OLD.kind, OLD.actor_id,
        OLD.voice_id, OLD.owner_id, OLD.state, OLD.sorted_at, -1
    WHERE OLD.state IN ('shown', 'removed') AND OLD.visibility <> 'restricted'
        AND NOT EXISTS (SELECT 1 FROM actors p WHERE p.id = OLD.actor_id AND p.block = 'refuse');
    INSERT INTO visible_change SELECT NEW.id, NEW.article_id, NEW.root_id, NEW.parent_id, NEW.kind, NEW.actor_id,
        NEW.voice_id, NEW.owner_id, NEW.state, NEW.sorted_at, 1
    WHERE NEW.state IN ('shown', 'removed') AND NEW.visibility <> 'restricted'
        AND NOT EXISTS (SELECT 1 FROM actors p WHERE p.id = NEW.actor_id AND p.block = 'refuse');
END;
-- +goose StatementEnd

-- BEFORE, so that the row of a thread still finds its first comment.
-- +goose StatementBegin
CREATE TRIGGER comments_deleted BEFORE DELETE ON comments BEGIN
    INSERT INTO comment_totals (voice_id, state, private, n)
    VALUES (OLD.owner_id, OLD.state, OLD.visibility = 'restricted', -1)
    ON CONFLICT (voice_id, state, private, slot) DO UPDATE SET n = n - 1;
    INSERT INTO visible_change SELECT OLD.id, OLD.article_id, OLD.root_id, OLD.parent_id, OLD.kind, OLD.actor_id,
        OLD.voice_id, OLD.owner_id, OLD.state, OLD.sorted_at, -1
    WHERE OLD.state IN ('shown', 'removed') AND OLD.visibility <> 'restricted'
        AND NOT EXISTS (SELECT 1 FROM actors p WHERE p.id = OLD.actor_id AND p.block = 'refuse');
END;
-- +goose StatementEnd

-- A person counts once, and so does a server.
-- +goose StatementBegin
CREATE TRIGGER repliers_added AFTER INSERT ON repliers WHEN NEW.n > 0 BEGIN
    UPDATE conversation_counts SET people = people + 1 WHERE article_id = NEW.article_id AND slot = 0;
    INSERT INTO replier_servers (article_id, host, n) SELECT NEW.article_id, p.host, 1 FROM actors p
    WHERE p.id = NEW.actor_id ON CONFLICT (article_id, host) DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER repliers_changed AFTER UPDATE OF n ON repliers WHEN (OLD.n > 0) <> (NEW.n > 0) BEGIN
    UPDATE conversation_counts SET people = people + (NEW.n > 0) - (OLD.n > 0) WHERE article_id = NEW.article_id AND slot = 0;
    INSERT INTO replier_servers (article_id, host, n) SELECT NEW.article_id, p.host, (NEW.n > 0) - (OLD.n > 0) FROM actors p
    WHERE p.id = NEW.actor_id ON CONFLICT (article_id, host) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER replier_servers_added AFTER INSERT ON replier_servers WHEN NEW.n > 0 BEGIN
    UPDATE conversation_counts SET servers = servers + 1 WHERE article_id = NEW.article_id AND slot = 0;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER replier_servers_changed AFTER UPDATE OF n ON replier_servers WHEN (OLD.n > 0) <> (NEW.n > 0) BEGIN
    UPDATE conversation_counts SET servers = servers + (NEW.n > 0) - (OLD.n > 0)
    WHERE article_id = NEW.article_id AND slot = 0;
END;
-- +goose StatementEnd

CREATE VIEW reaction_change AS SELECT '' AS target_id, '' AS kind, '' AS emoji, '' AS actor_id, 0 AS change WHERE FALSE;

-- +goose StatementBegin
CREATE TRIGGER reaction_changed INSTEAD OF INSERT ON reaction_change BEGIN
    INSERT INTO target_counts (target_id, kind, emoji, n) VALUES (NEW.target_id, NEW.kind, NEW.emoji, NEW.change)
    ON CONFLICT (target_id, kind, emoji, slot) DO UPDATE SET n = n + excluded.n;
    INSERT INTO reaction_servers (target_id, kind, emoji, host, n)
    SELECT NEW.target_id, NEW.kind, NEW.emoji, p.host, NEW.change FROM actors p WHERE p.id = NEW.actor_id
    ON CONFLICT (target_id, kind, emoji, host) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER reactions_added AFTER INSERT ON reactions
WHEN EXISTS (SELECT 1 FROM actors p WHERE p.id = NEW.actor_id AND p.block = '') BEGIN
    INSERT INTO reaction_change
    SELECT CASE NEW.comment_id WHEN '' THEN NEW.article_id ELSE NEW.comment_id END, NEW.kind, NEW.emoji, NEW.actor_id, 1
    WHERE NEW.kind IN ('boost', 'emoji');
    INSERT INTO reaction_change
    SELECT CASE NEW.comment_id WHEN '' THEN NEW.article_id ELSE NEW.comment_id END, 'like', '', NEW.actor_id, 1
    WHERE NEW.kind <> 'boost' AND NOT EXISTS (SELECT 1 FROM reactions r WHERE r.actor_id = NEW.actor_id
        AND r.article_id = NEW.article_id AND r.comment_id = NEW.comment_id AND r.kind IN ('like', 'emoji') AND r.id <> NEW.id);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER reactions_deleted AFTER DELETE ON reactions
WHEN EXISTS (SELECT 1 FROM actors p WHERE p.id = OLD.actor_id AND p.block = '') BEGIN
    INSERT INTO reaction_change
    SELECT CASE OLD.comment_id WHEN '' THEN OLD.article_id ELSE OLD.comment_id END, OLD.kind, OLD.emoji, OLD.actor_id, -1
    WHERE OLD.kind IN ('boost', 'emoji');
    INSERT INTO reaction_change
    SELECT CASE OLD.comment_id WHEN '' THEN OLD.article_id ELSE OLD.comment_id END, 'like', '', OLD.actor_id, -1
    WHERE OLD.kind <> 'boost' AND NOT EXISTS (SELECT 1 FROM reactions r WHERE r.actor_id = OLD.actor_id
        AND r.article_id = OLD.article_id AND r.comment_id = OLD.comment_id AND r.kind IN ('like', 'emoji'));
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER actors_block_changed AFTER UPDATE OF block ON actors WHEN OLD.block <> NEW.block BEGIN
    INSERT INTO visible_change SELECT c.id, c.article_id, c.root_id, c.parent_id, c.kind, c.actor_id, c.voice_id,
        c.owner_id, c.state, c.sorted_at, CASE NEW.block WHEN 'refuse' THEN -1 ELSE 1 END
    FROM comments c WHERE c.actor_id = NEW.id AND c.state IN ('shown', 'removed') AND c.visibility <> 'restricted'
        AND (OLD.block = 'refuse') <> (NEW.block = 'refuse');
    INSERT INTO reaction_change
    SELECT DISTINCT CASE r.comment_id WHEN '' THEN r.article_id ELSE r.comment_id END,
        CASE r.kind WHEN 'boost' THEN 'boost' ELSE 'like' END, '', r.actor_id, CASE NEW.block WHEN '' THEN 1 ELSE -1 END
    FROM reactions r WHERE r.actor_id = NEW.id AND (OLD.block = '') <> (NEW.block = '');
    INSERT INTO reaction_change
    SELECT CASE r.comment_id WHEN '' THEN r.article_id ELSE r.comment_id END, 'emoji', r.emoji, r.actor_id,
        CASE NEW.block WHEN '' THEN 1 ELSE -1 END
    FROM reactions r WHERE r.actor_id = NEW.id AND r.kind = 'emoji' AND (OLD.block = '') <> (NEW.block = '');
END;
-- +goose StatementEnd

-- An article comes into the lists of readers or leaves them, and its comments with it.
-- +goose StatementBegin
CREATE TRIGGER articles_listing_changed AFTER UPDATE OF status, visibility ON articles
WHEN (OLD.status = 'published' AND OLD.visibility IN ('public', 'local'))
    <> (NEW.status = 'published' AND NEW.visibility IN ('public', 'local'))
BEGIN
    INSERT INTO comment_totals (voice_id, state, private, listed)
    SELECT NEW.voice_id, 'shown', FALSE, CASE NEW.status = 'published' AND NEW.visibility IN ('public', 'local')
        WHEN TRUE THEN n.replies + n.mentions ELSE -n.replies - n.mentions END
    FROM conversation_counts n WHERE n.article_id = NEW.id
    ON CONFLICT (voice_id, state, private, slot) DO UPDATE SET listed = listed + excluded.listed;
END;
-- +goose StatementEnd
