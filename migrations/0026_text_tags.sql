-- +goose Up

-- Hashtags in the text are tags of the article, too. They leave it with the word, or with the translation that has it.
DROP INDEX article_tags_tag;
ALTER TABLE article_tags RENAME TO typed_tags;
CREATE TABLE article_tags (
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    language      TEXT      NOT NULL,              -- of the text with the hashtag; '' for a tag that the author typed
    position      INTEGER   NOT NULL,
    tag           TEXT      NOT NULL,              -- in lower case, as in addresses
    name          TEXT      NOT NULL,              -- as its author writes it
    PRIMARY KEY (article_id, language, tag)
);

-- Earlier versions kept decomposed letters (NFD), and no address of a tag has them.
INSERT INTO article_tags (article_id, language, position, tag, name)
    SELECT article_id, '', position, normalize(tag), normalize(name) FROM typed_tags WHERE TRUE
    ORDER BY article_id, position ON CONFLICT DO NOTHING;
DROP TABLE typed_tags;
CREATE INDEX article_tags_tag ON article_tags (tag);

INSERT INTO article_lists (kind, voice_id, name, at, article_id)
    SELECT kind, voice_id, normalize(name), at, article_id FROM article_lists
    WHERE kind IN ('tag', 'public tag') AND name <> normalize(name) ON CONFLICT DO NOTHING;
DELETE FROM article_lists WHERE kind IN ('tag', 'public tag') AND name <> normalize(name);
DELETE FROM article_counts WHERE kind IN ('tag', 'public tag');
INSERT INTO article_counts (kind, voice_id, name, month, n)
    SELECT kind, voice_id, name, substr(CAST(at AS TEXT), 1, 7), count(*) FROM article_lists
    WHERE kind IN ('tag', 'public tag') GROUP BY 1, 2, 3, 4
    UNION ALL SELECT kind, voice_id, name, '', count(*) FROM article_lists
    WHERE kind IN ('tag', 'public tag') GROUP BY 1, 2, 3;
