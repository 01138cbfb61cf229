-- +goose Up

-- When a server was released last, by the clock of that moment. One that lies ahead shows that the clock was set back, and
-- that free_at, which was set with it, tells nothing; null before the first time.
ALTER TABLE peers ADD COLUMN freed_at TIMESTAMP;
