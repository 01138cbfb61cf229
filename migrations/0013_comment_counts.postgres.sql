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
);

-- How many public replies each person elsewhere wrote under an article.
CREATE TABLE repliers (
    article_id    TEXT      NOT NULL,
    actor_id      TEXT      NOT NULL,
    n             INTEGER   NOT NULL,
    PRIMARY KEY (article_id, actor_id)
);

-- How many people of each server replied to an article.
CREATE TABLE replier_servers (
    article_id    TEXT      NOT NULL,
    host          TEXT      NOT NULL,
    n             INTEGER   NOT NULL,
    PRIMARY KEY (article_id, host)
);

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
);
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
);
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
);
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
);

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

-- The slot of this transaction: no other transaction has it until this one ends.
-- +goose StatementBegin
CREATE FUNCTION counting_slot() RETURNS INTEGER LANGUAGE plpgsql AS $$
DECLARE
    slot TEXT := current_setting('causerie.slot', TRUE);
BEGIN
    -- A setting of a transaction that ended is '', not null.
    IF slot <> '' THEN
        RETURN slot;
    END IF;
    FOR i IN 0..15 LOOP
        IF pg_try_advisory_xact_lock(1668183411, i) THEN
            PERFORM set_config('causerie.slot', i::TEXT, TRUE);
            RETURN i;
        END IF;
    END LOOP;
    -- More writers than slots: they wait for each other.
    RETURN pg_backend_pid() % 16;
END $$;
-- +goose StatementEnd

-- A comment that is shown or removed, not restricted and not by a refused actor, comes (1) or goes (-1).
-- +goose StatementBegin
CREATE FUNCTION count_visible(c comments, change INTEGER) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    mine INTEGER := counting_slot();
    shown INTEGER := CASE c.state WHEN 'shown' THEN change ELSE 0 END;
    first TIMESTAMP := c.sorted_at;
BEGIN
    IF c.root_id <> '' THEN
        SELECT r.sorted_at INTO first FROM comments r WHERE r.id = c.root_id;
    END IF;
    INSERT INTO threads AS t (article_id, sorted_at, root_id, slot, n, removed, own)
    VALUES (c.article_id, first, CASE c.root_id WHEN '' THEN c.id ELSE c.root_id END, mine, shown, change - shown,
        CASE WHEN c.voice_id <> '' THEN shown ELSE 0 END)
    ON CONFLICT (article_id, sorted_at, root_id, slot) DO UPDATE SET n = t.n + excluded.n,
        removed = t.removed + excluded.removed, own = t.own + excluded.own;
    IF shown = 0 THEN
        RETURN;
    END IF;
    INSERT INTO conversation_counts AS t (article_id, slot, replies, direct, mentions)
    VALUES (c.article_id, mine, CASE c.kind WHEN '' THEN change ELSE 0 END,
        CASE WHEN c.kind = '' AND c.parent_id = '' THEN change ELSE 0 END, CASE c.kind WHEN '' THEN 0 ELSE change END)
    ON CONFLICT (article_id, slot) DO UPDATE SET replies = t.replies + excluded.replies,
        direct = t.direct + excluded.direct, mentions = t.mentions + excluded.mentions;
    -- The lock keeps the article in the lists of readers, or out of them, until this transaction ends.
    PERFORM pg_advisory_xact_lock_shared(1668183412, hashtext(c.article_id));
    INSERT INTO comment_totals AS t (voice_id, state, private, slot, listed)
    SELECT c.owner_id, 'shown', FALSE, mine, change FROM articles a
    WHERE a.id = c.article_id AND a.status = 'published' AND a.visibility IN ('public', 'local')
    ON CONFLICT (voice_id, state, private, slot) DO UPDATE SET listed = t.listed + excluded.listed;
    IF c.kind <> '' THEN
        RETURN;
    END IF;
    IF c.parent_id <> '' THEN
        INSERT INTO target_counts AS t (target_id, kind, slot, n) VALUES (c.parent_id, 'reply', mine, change)
        ON CONFLICT (target_id, kind, emoji, slot) DO UPDATE SET n = t.n + excluded.n;
    END IF;
    IF c.actor_id <> '' THEN
        INSERT INTO repliers AS t (article_id, actor_id, n) VALUES (c.article_id, c.actor_id, change)
        ON CONFLICT (article_id, actor_id) DO UPDATE SET n = t.n + excluded.n;
    END IF;
END $$;
-- +goose StatementEnd

-- A comment comes (1) or goes (-1).
-- +goose StatementBegin
CREATE FUNCTION count_comment(c comments, change INTEGER) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO comment_totals AS t (voice_id, state, private, slot, n)
    VALUES (c.owner_id, c.state, c.visibility = 'restricted', counting_slot(), change)
    ON CONFLICT (voice_id, state, private, slot) DO UPDATE SET n = t.n + excluded.n;
    -- The row lock keeps the block of the actor as it is until this transaction ends.
    IF c.actor_id <> '' THEN
        PERFORM 1 FROM actors p WHERE p.id = c.actor_id FOR SHARE;
    END IF;
    IF c.state IN ('shown', 'removed') AND c.visibility <> 'restricted'
        AND NOT EXISTS (SELECT 1 FROM actors p WHERE p.id = c.actor_id AND p.block = 'refuse') THEN
        PERFORM count_visible(c, change);
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION comment_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM count_comment(OLD, -1);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM count_comment(NEW, 1);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER comments_added AFTER INSERT OR DELETE ON comments FOR EACH ROW EXECUTE FUNCTION comment_changed();
CREATE TRIGGER comments_changed AFTER UPDATE OF article_id, root_id, parent_id, kind, actor_id, voice_id, owner_id,
    visibility, state ON comments FOR EACH ROW
    WHEN ((OLD.article_id, OLD.root_id, OLD.parent_id, OLD.kind, OLD.actor_id, OLD.voice_id, OLD.owner_id, OLD.visibility,
        OLD.state) <> (NEW.article_id, NEW.root_id, NEW.parent_id, NEW.kind, NEW.actor_id, NEW.voice_id, NEW.owner_id,
        NEW.visibility, NEW.state))
    EXECUTE FUNCTION comment_changed();

-- A person counts once, and so does a server.
-- +goose StatementBegin
CREATE FUNCTION replier_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change INTEGER := (NEW.n > 0)::INTEGER;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        change := change - (OLD.n > 0)::INTEGER;
    END IF;
    IF change = 0 THEN
        RETURN NULL;
    END IF;
    INSERT INTO conversation_counts AS t (article_id, slot, people) VALUES (NEW.article_id, counting_slot(), change)
    ON CONFLICT (article_id, slot) DO UPDATE SET people = t.people + excluded.people;
    INSERT INTO replier_servers AS t (article_id, host, n)
    SELECT NEW.article_id, p.host, change FROM actors p WHERE p.id = NEW.actor_id
    ON CONFLICT (article_id, host) DO UPDATE SET n = t.n + excluded.n;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER repliers_changed AFTER INSERT OR UPDATE OF n ON repliers FOR EACH ROW EXECUTE FUNCTION replier_changed();

-- +goose StatementBegin
CREATE FUNCTION replier_server_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change INTEGER := (NEW.n > 0)::INTEGER;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        change := change - (OLD.n > 0)::INTEGER;
    END IF;
    IF change <> 0 THEN
        INSERT INTO conversation_counts AS t (article_id, slot, servers) VALUES (NEW.article_id, counting_slot(), change)
        ON CONFLICT (article_id, slot) DO UPDATE SET servers = t.servers + excluded.servers;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER replier_servers_changed AFTER INSERT OR UPDATE OF n ON replier_servers
    FOR EACH ROW EXECUTE FUNCTION replier_server_changed();

-- +goose StatementBegin
CREATE FUNCTION count_reactions(target TEXT, of TEXT, sign TEXT, server TEXT, change INTEGER) RETURNS VOID
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO target_counts AS t (target_id, kind, emoji, slot, n) VALUES (target, of, sign, counting_slot(), change)
    ON CONFLICT (target_id, kind, emoji, slot) DO UPDATE SET n = t.n + excluded.n;
    INSERT INTO reaction_servers AS t (target_id, kind, emoji, host, n) VALUES (target, of, sign, server, change)
    ON CONFLICT (target_id, kind, emoji, host) DO UPDATE SET n = t.n + excluded.n;
END $$;
-- +goose StatementEnd

-- Once per statement: whether a person still likes something is known only when all rows have changed. The lock on the
-- actors keeps their blocks, and keeps a like and an emoji of one person from coming at the same time.
-- +goose StatementBegin
CREATE FUNCTION reactions_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM actors WHERE id IN (SELECT actor_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
    PERFORM count_reactions(x.target_id, x.kind, x.emoji, x.host, x.n) FROM (
        SELECT y.target_id, y.kind, y.emoji, p.host, CASE TG_OP WHEN 'INSERT' THEN count(*) ELSE -count(*) END::INTEGER AS n
        FROM (
            SELECT DISTINCT CASE r.comment_id WHEN '' THEN r.article_id ELSE r.comment_id END AS target_id, 'like' AS kind,
                '' AS emoji, r.actor_id
            FROM changed r WHERE r.kind <> 'boost' AND NOT EXISTS (SELECT 1 FROM reactions o WHERE o.actor_id = r.actor_id
                AND o.article_id = r.article_id AND o.comment_id = r.comment_id AND o.kind IN ('like', 'emoji')
                AND o.id NOT IN (SELECT id FROM changed))
            UNION ALL
            SELECT CASE r.comment_id WHEN '' THEN r.article_id ELSE r.comment_id END, r.kind, r.emoji, r.actor_id
            FROM changed r WHERE r.kind <> 'like') AS y
        JOIN actors p ON p.id = y.actor_id AND p.block = ''
        GROUP BY y.target_id, y.kind, y.emoji, p.host ORDER BY y.target_id, y.kind, y.emoji, p.host) AS x;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER reactions_added AFTER INSERT ON reactions REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION reactions_changed();
CREATE TRIGGER reactions_deleted AFTER DELETE ON reactions REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION reactions_changed();

-- +goose StatementBegin
CREATE FUNCTION actor_block_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.block = 'refuse') <> (NEW.block = 'refuse') THEN
        PERFORM count_visible(c, CASE NEW.block WHEN 'refuse' THEN -1 ELSE 1 END) FROM comments c
        WHERE c.actor_id = NEW.id AND c.state IN ('shown', 'removed') AND c.visibility <> 'restricted';
    END IF;
    IF (OLD.block = '') <> (NEW.block = '') THEN
        PERFORM count_reactions(x.target_id, x.kind, x.emoji, NEW.host, CASE NEW.block WHEN '' THEN 1 ELSE -1 END) FROM (
            SELECT DISTINCT CASE r.comment_id WHEN '' THEN r.article_id ELSE r.comment_id END AS target_id,
                CASE r.kind WHEN 'boost' THEN 'boost' ELSE 'like' END AS kind, '' AS emoji
            FROM reactions r WHERE r.actor_id = NEW.id
            UNION ALL
            SELECT CASE r.comment_id WHEN '' THEN r.article_id ELSE r.comment_id END, 'emoji', r.emoji
            FROM reactions r WHERE r.actor_id = NEW.id AND r.kind = 'emoji' ORDER BY 1, 2, 3) AS x;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER actors_block_changed AFTER UPDATE OF block ON actors FOR EACH ROW WHEN (OLD.block <> NEW.block)
    EXECUTE FUNCTION actor_block_changed();

-- An article comes into the lists of readers or leaves them, and its comments with it.
-- +goose StatementBegin
CREATE FUNCTION article_listing_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1668183412, hashtext(NEW.id));
    INSERT INTO comment_totals AS t (voice_id, state, private, slot, listed)
    SELECT NEW.voice_id, 'shown', FALSE, counting_slot(),
        CASE WHEN NEW.status = 'published' AND NEW.visibility IN ('public', 'local') THEN 1 ELSE -1 END
            * sum(n.replies + n.mentions)
    FROM conversation_counts n WHERE n.article_id = NEW.id HAVING sum(n.replies + n.mentions) <> 0
    ON CONFLICT (voice_id, state, private, slot) DO UPDATE SET listed = t.listed + excluded.listed;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER articles_listing_changed AFTER UPDATE OF status, visibility ON articles FOR EACH ROW
    WHEN ((OLD.status = 'published' AND OLD.visibility IN ('public', 'local'))
        <> (NEW.status = 'published' AND NEW.visibility IN ('public', 'local')))
    EXECUTE FUNCTION article_listing_changed();
