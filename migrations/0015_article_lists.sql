-- +goose Up

-- The long columns of a text. Lists never read them, and rows without them are short.
CREATE TABLE article_bodies (
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    language      TEXT      NOT NULL,
    markdown      TEXT      NOT NULL DEFAULT '',
    html          TEXT      NOT NULL DEFAULT '',
    plain         TEXT      NOT NULL DEFAULT '',
    PRIMARY KEY (article_id, language)
);
INSERT INTO article_bodies (article_id, language, markdown, html, plain)
    SELECT article_id, language, markdown, html, plain FROM article_texts;

-- A new table, since dropping the columns would write every long row once more for each of them.
CREATE TABLE short_texts (
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    language      TEXT      NOT NULL,
    title         TEXT      NOT NULL DEFAULT '',
    subtitle      TEXT      NOT NULL DEFAULT '',
    summary       TEXT      NOT NULL DEFAULT '',
    slug          TEXT      NOT NULL DEFAULT '',
    words         INTEGER   NOT NULL DEFAULT 0,
    translator    TEXT      NOT NULL DEFAULT '',
    draft         BOOLEAN   NOT NULL DEFAULT FALSE, -- a translation that readers cannot see yet
    of_revision   INTEGER   NOT NULL DEFAULT 0,    -- revision in which the original's text last changed; for a translation, the one it was made from
    PRIMARY KEY (article_id, language)
);
INSERT INTO short_texts (article_id, language, title, subtitle, summary, slug, words, translator, draft, of_revision)
    SELECT article_id, language, title, subtitle, summary, slug, words, translator, draft, of_revision FROM article_texts;
DROP TABLE article_texts;
ALTER TABLE short_texts RENAME TO article_texts;
CREATE INDEX article_texts_slug ON article_texts (slug);

-- The lists in which an article stands. All of it is derived from the articles, their by-lines, tags and texts. It is
-- written in the transaction that changes those. A list is a kind, the voice whose list it is ('' for the whole blog),
-- and a name:
--   listed                      what front pages, archives and feeds list; of a voice, what it wrote or helped to write
--   tag, language, series       the listed articles with that tag, public text or series; the name says which
--   public tag                  what a voice published for everybody with a tag
--   outbox                      what the outbox of a voice has about articles that everybody may read; the name is the
--                               id of the activity, and all names of a voice are one list
--   draft, scheduled, published, withdrawn, deleted     all articles of a status, for authors
CREATE TABLE article_lists (
    kind          TEXT      NOT NULL,
    voice_id      TEXT      NOT NULL,
    name          TEXT      NOT NULL,
    at            TIMESTAMP NOT NULL,              -- when it was published; for the other statuses, when it was saved
    article_id    TEXT      NOT NULL REFERENCES articles (id),
    PRIMARY KEY (kind, voice_id, name, at, article_id)
);
CREATE INDEX article_lists_article ON article_lists (article_id);

-- How long each list is: in all (month is ''), and of each month that has an article, by UTC.
CREATE TABLE article_counts (
    kind          TEXT      NOT NULL,
    voice_id      TEXT      NOT NULL,
    name          TEXT      NOT NULL,
    month         TEXT      NOT NULL,              -- such as 2026-11
    n             BIGINT    NOT NULL,
    PRIMARY KEY (kind, voice_id, name, month)
);
CREATE INDEX article_counts_most ON article_counts (kind, voice_id, n DESC, name) WHERE month = '';

INSERT INTO article_lists (kind, voice_id, name, at, article_id)
WITH one AS (
    SELECT id, voice_id, status, visibility, series_id, COALESCE(published_at, created_at) AS published,
        CASE WHEN status = 'published' THEN COALESCE(published_at, created_at) ELSE saved_at END AS changed,
        status = 'published' AND visibility IN ('public', 'local') AS listed
    FROM articles),
writers AS (
    SELECT id, voice_id FROM one
    UNION SELECT b.article_id, b.voice_id FROM article_authors b JOIN one ON one.id = b.article_id WHERE b.voice_id <> '')
SELECT 'listed', '', '', published, id FROM one WHERE listed
UNION ALL SELECT 'listed', w.voice_id, '', published, one.id FROM one JOIN writers w ON w.id = one.id WHERE listed
UNION ALL SELECT 'tag', '', g.tag, published, id FROM one JOIN article_tags g ON g.article_id = one.id WHERE listed
UNION ALL SELECT 'language', '', t.language, published, id FROM one JOIN article_texts t ON t.article_id = one.id
    AND NOT t.draft WHERE listed
UNION ALL SELECT 'series', '', series_id, published, id FROM one WHERE listed AND series_id <> ''
UNION ALL SELECT 'public tag', w.voice_id, g.tag, published, one.id FROM one JOIN writers w ON w.id = one.id
    JOIN article_tags g ON g.article_id = one.id WHERE status = 'published' AND visibility = 'public'
UNION ALL SELECT 'outbox', s.voice_id, s.id, published, one.id FROM one JOIN objects o ON o.article_id = one.id
    AND o.comment_id = '' AND o.gone_at IS NULL JOIN activities s ON s.object_id = o.id AND (s.kind = 'Create'
    OR s.kind = 'Announce' AND NOT EXISTS (SELECT 1 FROM activities u WHERE u.kind = 'Undo' AND u.object_id = s.object_id
        AND u.voice_id = s.voice_id AND u.id > s.id))
    WHERE status = 'published' AND visibility IN ('public', 'unlisted')
UNION ALL SELECT status, '', '', changed, id FROM one
UNION ALL SELECT status, w.voice_id, '', changed, one.id FROM one JOIN writers w ON w.id = one.id;

INSERT INTO article_counts (kind, voice_id, name, month, n)
    SELECT kind, voice_id, CASE kind WHEN 'outbox' THEN '' ELSE name END, substr(CAST(at AS TEXT), 1, 7), count(*)
        FROM article_lists GROUP BY 1, 2, 3, 4
    UNION ALL SELECT kind, voice_id, CASE kind WHEN 'outbox' THEN '' ELSE name END, '', count(*)
        FROM article_lists GROUP BY 1, 2, 3;

-- The lists of the terminal, of several statuses at once, in order of saving and of publication.
CREATE INDEX articles_saved ON articles (saved_at, id);
CREATE INDEX articles_status ON articles (status, saved_at, id);
CREATE INDEX articles_published ON articles (published_at, id) WHERE published_at IS NOT NULL;
-- The parts of a series that readers may see.
CREATE INDEX articles_parts ON articles (series_id, part, published_at, id)
    WHERE status = 'published' AND visibility IN ('public', 'local');
-- The answers of authors, for the length of their outbox.
CREATE INDEX comments_own ON comments (voice_id, id) WHERE voice_id <> '';
-- How old a text is; without it, each revision would be read with its Markdown.
CREATE INDEX revisions_published ON revisions (article_id, language, number, at) WHERE kind = 'published';
-- A voice's pictures, the newest first, and by their names.
CREATE INDEX media_voice ON media (voice_id, id);
CREATE INDEX media_name ON media (voice_id, name, id);
