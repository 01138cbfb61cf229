-- +goose Up

-- An author whom somebody else named in a by-line, and who has not said yes yet.
ALTER TABLE article_authors ADD COLUMN asked BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX article_authors_asked ON article_authors (voice_id, article_id) WHERE asked;
