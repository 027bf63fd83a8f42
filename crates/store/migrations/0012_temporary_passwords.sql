-- Whether a user's password opens nothing but the page on which they choose another.
ALTER TABLE users ADD COLUMN password_temporary BIGINT NOT NULL DEFAULT 0;
