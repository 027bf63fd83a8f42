-- Authorization requests that clients pushed (RFC 9126), until the browser has been answered.

CREATE TABLE pushed_requests (
    hash       {bytes} PRIMARY KEY,
    client_id  TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    query      TEXT NOT NULL,
    is_signed  BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    kept_ms    BIGINT NOT NULL,
    used_ms    BIGINT
);
CREATE INDEX pushed_requests_by_client ON pushed_requests (client_id);
CREATE INDEX pushed_requests_by_end ON pushed_requests (kept_ms);
