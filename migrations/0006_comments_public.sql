-- +goose Up
-- Has every column that counting needs, so that no count reads the texts. Without this index, and without statistics,
-- SQLite searches the comments of an article among all that are shown.
CREATE INDEX comments_public ON comments (article_id, state, kind, visibility, actor_id);
-- The newest replies of the whole blog, for their feed.
CREATE INDEX comments_newest ON comments (sorted_at, id) WHERE kind = '';
