-- +goose Up

-- Triggers keep these counts in the transaction of each change, so that no page counts a million rows.

-- The followers of a voice by state, and the servers of those that get its deliveries.
CREATE TABLE follower_counts (
    voice_id      TEXT      PRIMARY KEY REFERENCES voices (id),
    accepted      INTEGER   NOT NULL DEFAULT 0,
    pending       INTEGER   NOT NULL DEFAULT 0,
    aside         INTEGER   NOT NULL DEFAULT 0,
    servers       INTEGER   NOT NULL DEFAULT 0
);

-- The inboxes to which an activity for the followers of a voice goes, and how many accepted followers each one serves.
-- Actors that are gone are not counted. No row has n = 0 after a statement.
CREATE TABLE follower_mailboxes (
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    mailbox       TEXT      NOT NULL,
    host          TEXT      NOT NULL,
    n             INTEGER   NOT NULL,
    PRIMARY KEY (voice_id, mailbox)
) WITHOUT ROWID;

-- Followers by server: pending ones by that of the actor, the others by that of the mailbox. Actors that are gone are
-- not counted, and no row has n = 0.
CREATE TABLE follower_servers (
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    state         TEXT      NOT NULL,
    host          TEXT      NOT NULL,
    n             INTEGER   NOT NULL,
    PRIMARY KEY (voice_id, state, host)
) WITHOUT ROWID;
CREATE INDEX follower_servers_state ON follower_servers (state, host);

INSERT INTO follower_mailboxes (voice_id, mailbox, host, n)
SELECT f.voice_id, p.mailbox, min(p.mail_host), count(*) FROM followers f JOIN actors p ON p.id = f.actor_id
WHERE f.state = 'accepted' AND p.gone_at IS NULL GROUP BY f.voice_id, p.mailbox;

INSERT INTO follower_servers (voice_id, state, host, n)
SELECT f.voice_id, f.state, CASE f.state WHEN 'pending' THEN p.host ELSE p.mail_host END AS server, count(*)
FROM followers f JOIN actors p ON p.id = f.actor_id WHERE p.gone_at IS NULL GROUP BY f.voice_id, f.state, server;

INSERT INTO follower_counts (voice_id, accepted, pending, aside, servers)
SELECT f.voice_id, sum(f.state = 'accepted'), sum(f.state = 'pending'), sum(f.state = 'aside'),
    (SELECT count(*) FROM follower_servers s WHERE s.voice_id = f.voice_id AND s.state = 'accepted')
FROM followers f GROUP BY f.voice_id;

-- +goose StatementBegin
CREATE TRIGGER followers_added AFTER INSERT ON followers BEGIN
    INSERT INTO follower_counts (voice_id, accepted, pending, aside)
    VALUES (NEW.voice_id, NEW.state = 'accepted', NEW.state = 'pending', NEW.state = 'aside')
    ON CONFLICT (voice_id) DO UPDATE SET accepted = accepted + excluded.accepted,
        pending = pending + excluded.pending, aside = aside + excluded.aside;
    INSERT INTO follower_mailboxes (voice_id, mailbox, host, n)
    SELECT NEW.voice_id, p.mailbox, p.mail_host, 1 FROM actors p
    WHERE p.id = NEW.actor_id AND p.gone_at IS NULL AND NEW.state = 'accepted'
    ON CONFLICT (voice_id, mailbox) DO UPDATE SET n = n + 1;
    INSERT INTO follower_servers (voice_id, state, host, n)
    SELECT NEW.voice_id, NEW.state, CASE NEW.state WHEN 'pending' THEN p.host ELSE p.mail_host END, 1 FROM actors p
    WHERE p.id = NEW.actor_id AND p.gone_at IS NULL
    ON CONFLICT (voice_id, state, host) DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER followers_removed AFTER DELETE ON followers BEGIN
    UPDATE follower_counts SET accepted = accepted - (OLD.state = 'accepted'), pending = pending - (OLD.state = 'pending'),
        aside = aside - (OLD.state = 'aside') WHERE voice_id = OLD.voice_id;
    UPDATE follower_mailboxes SET n = n - 1 WHERE OLD.state = 'accepted' AND voice_id = OLD.voice_id
        AND mailbox = (SELECT p.mailbox FROM actors p WHERE p.id = OLD.actor_id AND p.gone_at IS NULL);
    UPDATE follower_servers SET n = n - 1 WHERE voice_id = OLD.voice_id AND state = OLD.state
        AND host = (SELECT CASE OLD.state WHEN 'pending' THEN p.host ELSE p.mail_host END FROM actors p
            WHERE p.id = OLD.actor_id AND p.gone_at IS NULL);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER followers_changed AFTER UPDATE OF state ON followers WHEN OLD.state <> NEW.state BEGIN
    UPDATE follower_counts SET accepted = accepted - (OLD.state = 'accepted') + (NEW.state = 'accepted'),
        pending = pending - (OLD.state = 'pending') + (NEW.state = 'pending'),
        aside = aside - (OLD.state = 'aside') + (NEW.state = 'aside') WHERE voice_id = NEW.voice_id;
    UPDATE follower_mailboxes SET n = n - 1 WHERE OLD.state = 'accepted' AND voice_id = NEW.voice_id
        AND mailbox = (SELECT p.mailbox FROM actors p WHERE p.id = NEW.actor_id AND p.gone_at IS NULL);
    UPDATE follower_servers SET n = n - 1 WHERE voice_id = NEW.voice_id AND state = OLD.state
        AND host = (SELECT CASE OLD.state WHEN 'pending' THEN p.host ELSE p.mail_host END FROM actors p
            WHERE p.id = NEW.actor_id AND p.gone_at IS NULL);
    INSERT INTO follower_mailboxes (voice_id, mailbox, host, n)
    SELECT NEW.voice_id, p.mailbox, p.mail_host, 1 FROM actors p
    WHERE p.id = NEW.actor_id AND p.gone_at IS NULL AND NEW.state = 'accepted'
    ON CONFLICT (voice_id, mailbox) DO UPDATE SET n = n + 1;
    INSERT INTO follower_servers (voice_id, state, host, n)
    SELECT NEW.voice_id, NEW.state, CASE NEW.state WHEN 'pending' THEN p.host ELSE p.mail_host END, 1 FROM actors p
    WHERE p.id = NEW.actor_id AND p.gone_at IS NULL
    ON CONFLICT (voice_id, state, host) DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER actors_mailbox_changed AFTER UPDATE OF mailbox, gone_at ON actors
WHEN OLD.mailbox <> NEW.mailbox OR (OLD.gone_at IS NULL) <> (NEW.gone_at IS NULL) BEGIN
    UPDATE follower_mailboxes SET n = n - 1 WHERE OLD.gone_at IS NULL AND mailbox = OLD.mailbox
        AND voice_id IN (SELECT f.voice_id FROM followers f WHERE f.actor_id = NEW.id AND f.state = 'accepted');
    UPDATE follower_servers SET n = n - 1 WHERE OLD.gone_at IS NULL AND (voice_id, state, host) IN (
        SELECT f.voice_id, f.state, CASE f.state WHEN 'pending' THEN OLD.host ELSE OLD.mail_host END FROM followers f
        WHERE f.actor_id = NEW.id);
    INSERT INTO follower_mailboxes (voice_id, mailbox, host, n)
    SELECT f.voice_id, NEW.mailbox, NEW.mail_host, 1 FROM followers f
    WHERE f.actor_id = NEW.id AND f.state = 'accepted' AND NEW.gone_at IS NULL
    ON CONFLICT (voice_id, mailbox) DO UPDATE SET n = n + 1;
    INSERT INTO follower_servers (voice_id, state, host, n)
    SELECT f.voice_id, f.state, CASE f.state WHEN 'pending' THEN NEW.host ELSE NEW.mail_host END, 1 FROM followers f
    WHERE f.actor_id = NEW.id AND NEW.gone_at IS NULL
    ON CONFLICT (voice_id, state, host) DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER follower_mailboxes_emptied AFTER UPDATE OF n ON follower_mailboxes WHEN NEW.n = 0 BEGIN
    DELETE FROM follower_mailboxes WHERE voice_id = NEW.voice_id AND mailbox = NEW.mailbox;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER follower_servers_added AFTER INSERT ON follower_servers WHEN NEW.state = 'accepted' BEGIN
    UPDATE follower_counts SET servers = servers + 1 WHERE voice_id = NEW.voice_id;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER follower_servers_emptied AFTER UPDATE OF n ON follower_servers WHEN NEW.n = 0 BEGIN
    DELETE FROM follower_servers WHERE voice_id = NEW.voice_id AND state = NEW.state AND host = NEW.host;
    UPDATE follower_counts SET servers = servers - 1 WHERE voice_id = NEW.voice_id AND NEW.state = 'accepted';
END;
-- +goose StatementEnd

-- The followers of a voice, and those who ask to follow it, newest first. One index with the state in it would keep
-- SQLite from reading the followers in the order of their ids.
CREATE INDEX followers_newest ON followers (voice_id, since DESC, actor_id) WHERE state = 'accepted';
CREATE INDEX followers_asking ON followers (voice_id, since DESC, actor_id) WHERE state = 'pending';
-- People by the beginning of their name; actors_handle does the same for handles.
CREATE INDEX actors_name ON actors (lower(name));
-- The followers on one server.
CREATE INDEX actors_mail_host ON actors (mail_host);

-- accept_id is our last Accept only until it is delivered. So the followers with one are few.
UPDATE followers SET accept_id = '' WHERE accept_id <> '' AND NOT EXISTS (
    SELECT 1 FROM deliveries d WHERE d.activity_id = followers.accept_id AND d.status NOT IN ('delivered', 'superseded'));
CREATE INDEX followers_unconfirmed ON followers (accept_id) WHERE accept_id <> '';
