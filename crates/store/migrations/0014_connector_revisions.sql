-- How often a connector was changed: whoever is on the way through it when it changes begins again.
ALTER TABLE connectors ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
