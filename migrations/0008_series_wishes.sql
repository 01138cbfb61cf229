-- +goose Up

-- A draft says which series it is to be a part of, and of how many parts. The series itself belongs to everybody, so it is
-- made or changed when the article is published, and these are empty from then on.
ALTER TABLE articles ADD COLUMN series_title   TEXT    NOT NULL DEFAULT '';
ALTER TABLE articles ADD COLUMN series_slug    TEXT    NOT NULL DEFAULT '';
ALTER TABLE articles ADD COLUMN series_planned INTEGER NOT NULL DEFAULT 0;
