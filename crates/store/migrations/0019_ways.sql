-- By which ways people may come in to an app, and by which one a session, a family of tokens and a person's own token came
-- about: the connector that proved who somebody is, where that is another one than the one that says so.
ALTER TABLE apps ADD COLUMN ways TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN through_id TEXT;
ALTER TABLE families ADD COLUMN through_id TEXT;
ALTER TABLE personal_tokens ADD COLUMN connector_id TEXT;
