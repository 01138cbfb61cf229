-- +goose Up

-- A server that answers and does not take what one of our voices sends. What that voice sends there rests until next_at; what
-- others send does not. It ends with the next delivery of that voice that the server takes.
CREATE TABLE refusals (
    host          TEXT      NOT NULL,
    voice_id      TEXT      NOT NULL,              -- '' is the instance actor
    failures      INTEGER   NOT NULL,              -- in a row; the rests grow with them
    since         TIMESTAMP NOT NULL,
    next_at       TIMESTAMP,                       -- null once the rest is over, until the next try
    kind          TEXT      NOT NULL,              -- of the delivery that was refused last
    code          INTEGER   NOT NULL,              -- the HTTP status of that answer
    answer        TEXT      NOT NULL,              -- how it began
    PRIMARY KEY (host, voice_id)
);
CREATE INDEX refusals_next ON refusals (next_at) WHERE next_at IS NOT NULL;

-- A person asked for the next try: no rest holds it up, and its failure prolongs none.
ALTER TABLE deliveries ADD COLUMN asked BOOLEAN NOT NULL DEFAULT FALSE;
-- When a server was to be tried again before a person asked for it now.
ALTER TABLE peers ADD COLUMN resume_at TIMESTAMP;
