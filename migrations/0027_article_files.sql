-- +goose Up

-- The file that a text of an article was read from last, and what the text was then.
CREATE TABLE article_files (
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    language      TEXT      NOT NULL,              -- of a translation; '' for the original
    voice_id      TEXT      NOT NULL,              -- the owner of the article
    file          TEXT      NOT NULL,              -- its path; '' for standard input
    mark          TEXT      NOT NULL,              -- a hash of each field; '' when an older version read the file
    PRIMARY KEY (article_id, language)
);
CREATE INDEX article_files_file ON article_files (voice_id, file);

INSERT INTO article_files (article_id, language, voice_id, file, mark)
    SELECT id, '', voice_id, file, '' FROM articles WHERE file <> '';
ALTER TABLE articles DROP COLUMN file;
