-- +goose Up

-- How far an article with many deliveries got: its servers in groups that have the same history, as JSON. Counting them
-- reads every delivery, so it is done in the background. stale: 2 when a delivery changed, 1 when it is due later, or 0.
CREATE TABLE delivery_samples (
    article_id    TEXT      PRIMARY KEY REFERENCES articles (id),
    stale         INTEGER   NOT NULL,
    made_at       TIMESTAMP,
    sample        BYTEA                            -- null until it is made the first time
);
CREATE INDEX delivery_samples_stale ON delivery_samples (stale, made_at) WHERE stale > 0;

INSERT INTO delivery_samples (article_id, stale)
SELECT DISTINCT o.article_id, 2 FROM (SELECT activity_id FROM deliveries GROUP BY activity_id HAVING count(*) >= 200) AS many
JOIN activities a ON a.id = many.activity_id JOIN objects o ON o.id = a.object_id AND o.comment_id = '';

-- +goose StatementBegin
CREATE TRIGGER deliveries_changed AFTER UPDATE OF status, unsure, revision, attempts ON deliveries
WHEN OLD.status <> NEW.status OR OLD.unsure <> NEW.unsure OR OLD.revision <> NEW.revision
    OR (OLD.attempts = 0) <> (NEW.attempts = 0) BEGIN
    UPDATE delivery_samples SET stale = 2 WHERE stale < 2 AND article_id = (
        SELECT o.article_id FROM activities a JOIN objects o ON o.id = a.object_id WHERE a.id = NEW.activity_id);
END;
-- +goose StatementEnd
