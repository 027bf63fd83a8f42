-- Since when somebody is not at the provider any more, as far as reading it whole has told.
ALTER TABLE links ADD COLUMN away_ms BIGINT;
