-- +goose Up

-- When a server was released last, by the clock of that moment; null before the first time. A time in the future shows
-- that the clock was set back, so that free_at, which was set together with it, is not valid.
ALTER TABLE peers ADD COLUMN freed_at TIMESTAMP;
