-- +goose Up
-- When a server was asked what it runs, whether it said or not.
ALTER TABLE peers ADD COLUMN software_at TIMESTAMP;
