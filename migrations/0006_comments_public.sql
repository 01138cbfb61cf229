-- +goose Up
-- All that is counted of an article's comments, so that no count reads their words. Without it, and without statistics,
-- SQLite finds the comments of an article among all those that are shown.
CREATE INDEX comments_public ON comments (article_id, state, kind, visibility, actor_id);
-- The newest answers of the whole blog, for their feed.
CREATE INDEX comments_newest ON comments (sorted_at, id) WHERE kind = '';
