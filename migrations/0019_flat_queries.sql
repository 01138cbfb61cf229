-- +goose Up

-- The servers that accept RFC 9421 signatures only: few, and asked for at each start.
CREATE INDEX peers_scheme ON peers (scheme_until) WHERE scheme_until IS NOT NULL;
-- The servers that can be asked for their software, in the order in which they are.
CREATE INDEX peers_software ON peers (software_due, host) WHERE failures = 0 AND last_success IS NOT NULL;

-- How many deliveries were added for an activity about an object of ours.
CREATE TABLE delivery_counts (
    activity_id   TEXT      PRIMARY KEY REFERENCES activities (id),
    n             BIGINT    NOT NULL
);
INSERT INTO delivery_counts (activity_id, n)
    SELECT d.activity_id, count(*) FROM deliveries d JOIN activities a ON a.id = d.activity_id
    WHERE a.object_id <> '' GROUP BY d.activity_id;

-- The replies of our own authors, which an article's object names.
CREATE INDEX comments_own_replies ON comments (article_id, parent_id, id) WHERE voice_id <> '';

-- The few actors whose inbox is on another server than they are.
CREATE INDEX actors_elsewhere ON actors (host) WHERE mail_host <> host;
-- Arrivals that will not be tried again, for their deletion.
CREATE INDEX arrivals_parked ON arrivals (at) WHERE parked <> '';

-- Series page by page, and by the length of their titles, which is how one is found in any case of the letters.
CREATE INDEX series_title ON series (title, id);
CREATE INDEX series_length ON series (length(title));

-- The servers that failed most often, for the list of them.
CREATE INDEX peers_worst ON peers (failures DESC, host) WHERE failures > 0;

-- The newest activities of a voice, which may have published last a hundred thousand activities ago.
CREATE INDEX activities_voice ON activities (voice_id, id);
