-- +goose Up

-- The jobs have new names. Rows of the old names would stay for ever. A job without a row is due at once, and then gets
-- a row with its new name.
DELETE FROM chores;
