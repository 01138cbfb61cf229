-- +goose Up

-- The id of an activity does not tell whether it is new: some servers give one id to several activities. What repeats
-- the newest waiting activity of its signer is left out, and this index finds that.
DROP INDEX arrivals_once;
CREATE INDEX arrivals_signer ON arrivals (signer, id) WHERE parked = '';
