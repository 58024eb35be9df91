-- The answers that commands got, so that a repeated request_id is answered again and not obeyed twice.
CREATE TABLE request_log (
    subject text NOT NULL,
    request_id uuid NOT NULL,
    method text NOT NULL,
    -- SHA-256 of the encoded request: the same id with another body is a mistake of the client.
    body_hash bytea NOT NULL CHECK (length(body_hash) = 32),
    -- NULL while the first attempt is under way; that row is invisible to others until it commits.
    response bytea,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (subject, request_id)
);

-- The sweeper deletes by age.
CREATE INDEX request_log_created_at ON request_log (created_at);
