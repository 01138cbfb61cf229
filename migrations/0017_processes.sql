-- +goose Up

-- The processes that work on a database that several can share. beats rises about once a second. A process whose beats
-- stay the same for a few seconds is dead or stands still, and what it leased is free.
CREATE TABLE processes (
    id            TEXT      PRIMARY KEY,
    beats         BIGINT    NOT NULL
);

-- The process that claimed the row last; '' where none did, or where it left.
ALTER TABLE peers       ADD COLUMN process TEXT NOT NULL DEFAULT '';
ALTER TABLE callers     ADD COLUMN process TEXT NOT NULL DEFAULT '';
ALTER TABLE completions ADD COLUMN process TEXT NOT NULL DEFAULT '';
ALTER TABLE chores      ADD COLUMN process TEXT NOT NULL DEFAULT '';

-- A claim reads one of these from its beginning to now. Thousands of silent servers that rest stand behind that.
DROP INDEX peers_free;
CREATE INDEX peers_healthy ON peers (free_at) WHERE waiting AND failures = 0;
CREATE INDEX peers_failing ON peers (free_at) WHERE waiting AND failures > 0;
CREATE INDEX peers_visited ON peers (free_at) WHERE waiting AND visited;
CREATE INDEX peers_freed   ON peers (freed_at) WHERE waiting AND failures > 0;

-- The time of a server's first arrival that waits; null when none does.
ALTER TABLE callers ADD COLUMN due_at TIMESTAMP;
UPDATE callers SET due_at = (SELECT min(x.due_at) FROM arrivals x WHERE x.host = callers.host AND x.parked = '');
DROP INDEX callers_free;
CREATE INDEX callers_due ON callers (due_at) WHERE waiting;

-- When the last answer came, by the clock of that moment. A time in the future shows that the clock was set back.
ALTER TABLE refusals ADD COLUMN refused_at TIMESTAMP;
CREATE INDEX refusals_refused ON refusals (refused_at) WHERE next_at IS NOT NULL;
