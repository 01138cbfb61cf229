-- +goose Up

-- The domains of the actors, by each domain that contains them and by themselves. A block of a domain finds here whom it
-- covers, without a look at the others.
CREATE TABLE domain_parents (
    parent        TEXT      NOT NULL,
    domain        TEXT      NOT NULL,
    PRIMARY KEY (parent, domain)
);

-- A parent begins behind a dot.
INSERT INTO domain_parents (parent, domain)
WITH RECURSIVE ends (domain, place) AS (
    SELECT DISTINCT domain, 1 FROM actors
    UNION ALL
    SELECT domain, place + 1 FROM ends WHERE place < length(domain)
)
SELECT substr(domain, place), domain FROM ends WHERE place = 1 OR substr(domain, place - 1, 1) = '.';
