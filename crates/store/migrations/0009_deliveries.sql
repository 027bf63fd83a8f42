-- Who is to be told that a session ended, and what is on its way to them.

-- Clients that got tokens in a session, and whom these speak of, as the client is told. A row outlives its session until somebody has seen to telling the client.
CREATE TABLE session_clients (
    session_id TEXT NOT NULL,
    client_id  TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    subject    TEXT NOT NULL,
    PRIMARY KEY (session_id, client_id)
);
CREATE INDEX session_clients_by_client ON session_clients (client_id);
INSERT INTO session_clients (session_id, client_id, subject)
SELECT DISTINCT session_id, client_id, user_id FROM families WHERE session_id IS NOT NULL;

CREATE TABLE deliveries (
    number     {serial},
    client_id  TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    session_id TEXT NOT NULL,
    subject    TEXT NOT NULL,
    state      TEXT NOT NULL,
    attempts   BIGINT NOT NULL,
    begun_ms   BIGINT,
    due_ms     BIGINT NOT NULL,
    problem    TEXT NOT NULL
);
CREATE INDEX deliveries_by_due ON deliveries (state, due_ms);
CREATE INDEX deliveries_by_client ON deliveries (client_id);
