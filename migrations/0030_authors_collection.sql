-- +goose Up

-- Since when the voice of the blog publishes the collection of its authors (FEP-7aa9); NULL while it does not.
ALTER TABLE voices ADD COLUMN features_since TIMESTAMP;
