-- +goose Up

-- When a voice's keys were changed last.
ALTER TABLE voices ADD COLUMN rotated_at TIMESTAMP;

-- The servers that are known to have a voice's newest key: they took the Update that told of it, or a delivery that it signs.
-- Kept as long as the old key is.
CREATE TABLE new_keys (
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    host          TEXT      NOT NULL,
    PRIMARY KEY (voice_id, host)
);
