-- +goose Up

-- Quotes and links whose writer took out what put them here. They return when it is put back; what was deleted does not.
ALTER TABLE comments ADD COLUMN strayed BOOLEAN NOT NULL DEFAULT FALSE;
