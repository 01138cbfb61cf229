-- +goose Up

-- Triggers keep these counts in the transaction of each change, so that no page counts a million rows.

-- The followers of a voice by state, and the servers of those that get its deliveries.
CREATE TABLE follower_counts (
    voice_id      TEXT      PRIMARY KEY REFERENCES voices (id),
    accepted      BIGINT    NOT NULL DEFAULT 0,
    pending       BIGINT    NOT NULL DEFAULT 0,
    aside         BIGINT    NOT NULL DEFAULT 0,
    servers       BIGINT    NOT NULL DEFAULT 0
);

-- The inboxes to which an activity for the followers of a voice goes, and how many accepted followers each one serves.
-- Actors that are gone are not counted. No row has n = 0 after a statement.
CREATE TABLE follower_mailboxes (
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    mailbox       TEXT      NOT NULL,
    host          TEXT      NOT NULL,
    n             BIGINT    NOT NULL,
    PRIMARY KEY (voice_id, mailbox)
);

-- Followers by server: pending ones by that of the actor, the others by that of the mailbox. Actors that are gone are
-- not counted, and no row has n = 0.
CREATE TABLE follower_servers (
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    state         TEXT      NOT NULL,
    host          TEXT      NOT NULL,
    n             BIGINT    NOT NULL,
    PRIMARY KEY (voice_id, state, host)
);
CREATE INDEX follower_servers_state ON follower_servers (state, host);

INSERT INTO follower_mailboxes (voice_id, mailbox, host, n)
SELECT f.voice_id, p.mailbox, min(p.mail_host), count(*) FROM followers f JOIN actors p ON p.id = f.actor_id
WHERE f.state = 'accepted' AND p.gone_at IS NULL GROUP BY f.voice_id, p.mailbox;

INSERT INTO follower_servers (voice_id, state, host, n)
SELECT f.voice_id, f.state, CASE f.state WHEN 'pending' THEN p.host ELSE p.mail_host END AS server, count(*)
FROM followers f JOIN actors p ON p.id = f.actor_id WHERE p.gone_at IS NULL GROUP BY 1, 2, 3;

INSERT INTO follower_counts (voice_id, accepted, pending, aside, servers)
SELECT f.voice_id, count(*) FILTER (WHERE f.state = 'accepted'), count(*) FILTER (WHERE f.state = 'pending'),
    count(*) FILTER (WHERE f.state = 'aside'),
    (SELECT count(*) FROM follower_servers s WHERE s.voice_id = f.voice_id AND s.state = 'accepted')
FROM followers f GROUP BY f.voice_id;

-- How a number of followers with one voice, state, mailbox and server changes. here: the actors are not gone. comes:
-- the voice has more or fewer followers in that state; otherwise only the place of a follower changes.
CREATE TYPE follower_change AS (voice_id TEXT, state TEXT, mailbox TEXT, host TEXT, here BOOLEAN, comes BOOLEAN, n BIGINT);

-- Rows are written in one order, so that two transactions do not wait for each other.
-- +goose StatementBegin
CREATE FUNCTION add_follower_changes(changes follower_change[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO follower_counts AS t (voice_id, accepted, pending, aside)
    SELECT c.voice_id, COALESCE(sum(c.n) FILTER (WHERE c.state = 'accepted'), 0),
        COALESCE(sum(c.n) FILTER (WHERE c.state = 'pending'), 0), COALESCE(sum(c.n) FILTER (WHERE c.state = 'aside'), 0)
    FROM unnest(changes) c WHERE c.comes GROUP BY c.voice_id ORDER BY c.voice_id
    ON CONFLICT (voice_id) DO UPDATE SET accepted = t.accepted + excluded.accepted,
        pending = t.pending + excluded.pending, aside = t.aside + excluded.aside;

    INSERT INTO follower_mailboxes AS t (voice_id, mailbox, host, n)
    SELECT c.voice_id, c.mailbox, min(c.host), sum(c.n) FROM unnest(changes) c WHERE c.here AND c.state = 'accepted'
    GROUP BY c.voice_id, c.mailbox HAVING sum(c.n) <> 0 ORDER BY c.voice_id, c.mailbox
    ON CONFLICT (voice_id, mailbox) DO UPDATE SET n = t.n + excluded.n;
    DELETE FROM follower_mailboxes t USING unnest(changes) c
    WHERE t.voice_id = c.voice_id AND t.mailbox = c.mailbox AND t.n = 0 AND c.n < 0;

    -- A server is new when all its followers are: no row had n = 0 before.
    WITH change AS (
        SELECT c.voice_id, c.state, c.host, sum(c.n) AS n FROM unnest(changes) c WHERE c.here
        GROUP BY c.voice_id, c.state, c.host HAVING sum(c.n) <> 0
    ), changed AS (
        INSERT INTO follower_servers AS t (voice_id, state, host, n)
        SELECT voice_id, state, host, n FROM change ORDER BY voice_id, state, host
        ON CONFLICT (voice_id, state, host) DO UPDATE SET n = t.n + excluded.n RETURNING voice_id, state, host, n
    ), servers AS (
        SELECT voice_id, sum(CASE WHEN changed.n = change.n THEN 1 WHEN changed.n = 0 THEN -1 ELSE 0 END) AS n
        FROM changed JOIN change USING (voice_id, state, host) WHERE state = 'accepted' GROUP BY voice_id
    )
    UPDATE follower_counts t SET servers = t.servers + s.n FROM servers s WHERE t.voice_id = s.voice_id AND s.n <> 0;
    DELETE FROM follower_servers t USING unnest(changes) c
    WHERE t.voice_id = c.voice_id AND t.state = c.state AND t.host = c.host AND t.n = 0 AND c.n < 0;
END $$;
-- +goose StatementEnd

-- The functions run once per statement. A row of a count that changes a thousand times in a transaction gets slow,
-- because PostgreSQL keeps each version of it until the commit. The lock on the actors keeps their mailboxes as they
-- are until the commit: otherwise neither of two transactions would see what the other one changes.
-- +goose StatementBegin
CREATE FUNCTION count_followers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changes follower_change[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        WITH p AS (
            SELECT id, mailbox, mail_host, host, gone_at FROM actors WHERE id IN (SELECT actor_id FROM added) ORDER BY id
            FOR SHARE
        ), x AS (
            SELECT f.voice_id, f.state, p.mailbox, CASE f.state WHEN 'pending' THEN p.host ELSE p.mail_host END AS host,
                p.gone_at IS NULL AS here, count(*) AS n FROM added f JOIN p ON p.id = f.actor_id GROUP BY 1, 2, 3, 4, 5
        ) SELECT array_agg(ROW(x.voice_id, x.state, x.mailbox, x.host, x.here, TRUE, x.n)::follower_change) INTO changes FROM x;
    ELSIF TG_OP = 'DELETE' THEN
        WITH p AS (
            SELECT id, mailbox, mail_host, host, gone_at FROM actors WHERE id IN (SELECT actor_id FROM removed) ORDER BY id
            FOR SHARE
        ), x AS (
            SELECT f.voice_id, f.state, p.mailbox, CASE f.state WHEN 'pending' THEN p.host ELSE p.mail_host END AS host,
                p.gone_at IS NULL AS here, -count(*) AS n FROM removed f JOIN p ON p.id = f.actor_id GROUP BY 1, 2, 3, 4, 5
        ) SELECT array_agg(ROW(x.voice_id, x.state, x.mailbox, x.host, x.here, TRUE, x.n)::follower_change) INTO changes FROM x;
    ELSE
        WITH f AS (
            SELECT voice_id, actor_id, state, sum(n) AS n FROM (SELECT voice_id, actor_id, state, 1 AS n FROM added
                UNION ALL SELECT voice_id, actor_id, state, -1 FROM removed) both_rows
            GROUP BY 1, 2, 3 HAVING sum(n) <> 0
        ), p AS (
            SELECT id, mailbox, mail_host, host, gone_at FROM actors WHERE id IN (SELECT actor_id FROM f) ORDER BY id
            FOR SHARE
        ), x AS (
            SELECT f.voice_id, f.state, p.mailbox, CASE f.state WHEN 'pending' THEN p.host ELSE p.mail_host END AS host,
                p.gone_at IS NULL AS here, sum(f.n) AS n FROM f JOIN p ON p.id = f.actor_id GROUP BY 1, 2, 3, 4, 5
        ) SELECT array_agg(ROW(x.voice_id, x.state, x.mailbox, x.host, x.here, TRUE, x.n)::follower_change) INTO changes FROM x;
    END IF;
    IF changes IS NOT NULL THEN
        PERFORM add_follower_changes(changes);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION count_followers_of_actor() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changes follower_change[];
BEGIN
    SELECT array_agg(ROW(f.voice_id, f.state, x.mailbox, CASE f.state WHEN 'pending' THEN NEW.host ELSE x.host END, TRUE,
        FALSE, x.n)::follower_change) INTO changes
    FROM followers f, (VALUES (OLD.mailbox, OLD.mail_host, OLD.gone_at, -1), (NEW.mailbox, NEW.mail_host, NEW.gone_at, 1))
        AS x (mailbox, host, gone_at, n)
    WHERE f.actor_id = NEW.id AND x.gone_at IS NULL;
    IF changes IS NOT NULL THEN
        PERFORM add_follower_changes(changes);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER followers_added AFTER INSERT ON followers REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_followers();
CREATE TRIGGER followers_removed AFTER DELETE ON followers REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION count_followers();
CREATE TRIGGER followers_changed AFTER UPDATE ON followers REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_followers();
CREATE TRIGGER actors_mailbox_changed AFTER UPDATE OF mailbox, gone_at ON actors FOR EACH ROW
    WHEN (OLD.mailbox <> NEW.mailbox OR (OLD.gone_at IS NULL) <> (NEW.gone_at IS NULL))
    EXECUTE FUNCTION count_followers_of_actor();

-- The followers of a voice, and those who ask to follow it, newest first. One index with the state in it would keep
-- SQLite from reading the followers in the order of their ids.
CREATE INDEX followers_newest ON followers (voice_id, since DESC, actor_id) WHERE state = 'accepted';
CREATE INDEX followers_asking ON followers (voice_id, since DESC, actor_id) WHERE state = 'pending';
-- People by the beginning of their handle or name. Only the collation "C" sorts by beginnings.
CREATE INDEX actors_handle_begins ON actors (lower(handle) COLLATE "C");
CREATE INDEX actors_name ON actors (lower(name) COLLATE "C");
-- The followers on one server.
CREATE INDEX actors_mail_host ON actors (mail_host);

-- accept_id is our last Accept only until it is delivered. So the followers with one are few.
UPDATE followers SET accept_id = '' WHERE accept_id <> '' AND NOT EXISTS (
    SELECT 1 FROM deliveries d WHERE d.activity_id = followers.accept_id AND d.status NOT IN ('delivered', 'superseded'));
CREATE INDEX followers_unconfirmed ON followers (accept_id) WHERE accept_id <> '';
