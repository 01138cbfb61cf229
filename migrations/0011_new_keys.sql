-- +goose Up

-- When a voice's keys were last changed.
ALTER TABLE voices ADD COLUMN rotated_at TIMESTAMP;

-- Servers that have a voice's newest key: they accepted the Update that announces it, or a delivery that it signs. Rows
-- stay as long as the old key.
CREATE TABLE new_keys (
    voice_id      TEXT      NOT NULL REFERENCES voices (id),
    host          TEXT      NOT NULL,
    PRIMARY KEY (voice_id, host)
);
