-- +goose Up

-- The series that a draft will be a part of, and its number of parts. The series itself is shared, so it is created or
-- changed only when the article is published. From then on these columns are empty.
ALTER TABLE articles ADD COLUMN series_title   TEXT    NOT NULL DEFAULT '';
ALTER TABLE articles ADD COLUMN series_slug    TEXT    NOT NULL DEFAULT '';
ALTER TABLE articles ADD COLUMN series_planned INTEGER NOT NULL DEFAULT 0;
