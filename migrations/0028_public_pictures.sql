-- +goose Up

-- Whether everybody may fetch a picture: some article with it was published, or it is a portrait. It stays so, since
-- other servers fetch it again. Earlier versions served every picture.
ALTER TABLE media ADD COLUMN public BOOLEAN NOT NULL DEFAULT TRUE;
