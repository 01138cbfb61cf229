-- +goose Up
-- When to ask a server again for its software; null before the first time.
ALTER TABLE peers ADD COLUMN software_due TIMESTAMP;
