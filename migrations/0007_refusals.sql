-- +goose Up

-- Servers that answer but refuse the deliveries of one voice. Its deliveries there wait until next_at; those of other
-- voices do not. The row ends with the next delivery of the voice that the server accepts.
CREATE TABLE refusals (
    host          TEXT      NOT NULL,
    voice_id      TEXT      NOT NULL,              -- '' is the instance actor
    failures      INTEGER   NOT NULL,              -- in a row; the back-off grows with them
    since         TIMESTAMP NOT NULL,
    next_at       TIMESTAMP,                       -- null between the end of the back-off and the next attempt
    kind          TEXT      NOT NULL,              -- activity type of the last refused delivery
    code          INTEGER   NOT NULL,              -- the HTTP status of that answer
    answer        TEXT      NOT NULL,              -- the beginning of its body
    PRIMARY KEY (host, voice_id)
);
CREATE INDEX refusals_next ON refusals (next_at) WHERE next_at IS NOT NULL;

-- An author asked for the next attempt: it ignores the back-off, and its failure does not lengthen it.
ALTER TABLE deliveries ADD COLUMN asked BOOLEAN NOT NULL DEFAULT FALSE;
-- The end of the back-off that an author's attempt interrupts.
ALTER TABLE peers ADD COLUMN resume_at TIMESTAMP;
