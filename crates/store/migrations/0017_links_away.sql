-- Since when somebody is not at the provider any more, as far as reading it whole has told, and whether their user was
-- disabled for that alone.
ALTER TABLE links ADD COLUMN away_ms BIGINT;
ALTER TABLE links ADD COLUMN away_shut BIGINT NOT NULL DEFAULT 0;
