-- +goose Up
-- When a server is asked again what it runs; null before the first time.
ALTER TABLE peers ADD COLUMN software_due TIMESTAMP;
