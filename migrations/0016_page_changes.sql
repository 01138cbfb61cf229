-- +goose Up

-- When each topic was last changed, as a number of changes.n. A cached page is fresh while none of its topics has a
-- higher number than when it was made. Topics are hashes, so the table never grows.
CREATE TABLE page_changes (
    topic         INTEGER   NOT NULL PRIMARY KEY,
    n             BIGINT    NOT NULL
);
INSERT INTO page_changes (topic, n)
WITH RECURSIVE topics (topic) AS (SELECT 0 UNION ALL SELECT topic + 1 FROM topics WHERE topic < 4095)
SELECT topic, 0 FROM topics;
