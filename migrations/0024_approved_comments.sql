-- +goose Up

-- Comments that a person of ours let readers see. Until now, every comment that was shown counted. Of those, the ones
-- under articles that do not show everything at once were approved, or come from people who were known already.
ALTER TABLE comments ADD COLUMN approved BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE comments SET approved = TRUE WHERE state = 'shown' AND actor_id <> '' AND visibility <> 'restricted'
    AND article_id IN (SELECT id FROM articles WHERE comments IN ('known', 'approve'));
CREATE INDEX comments_approved ON comments (actor_id) WHERE approved;
