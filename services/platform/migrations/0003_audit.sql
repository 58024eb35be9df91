-- Which command caused an event, when it was written by the database's own clock, and seals that
-- chain the log, so that a change of what was said is found.

ALTER TABLE outbox
    -- The command says its id once a transaction; an event that no command caused has none.
    ADD COLUMN request_id uuid DEFAULT nullif(current_setting('handslag.request_id', true), '')::uuid,
    -- `time` is when it was decided, by the clock of whoever decided: ages are told by this one.
    ADD COLUMN written_at timestamptz NOT NULL DEFAULT now();

-- A seal covers the events from the one before it up to last_seq, at most a hundred of them. Its
-- digest is over the digest before it and those of its events, so that none can be changed, taken
-- away or put in without breaking every seal from there on.
CREATE TABLE audit_seal (
    last_seq  bigint      PRIMARY KEY,
    count     bigint      NOT NULL CHECK (count >= 1),
    digest    bytea       NOT NULL CHECK (length(digest) = 32),
    sealed_at timestamptz NOT NULL DEFAULT now()
);

CREATE OR REPLACE FUNCTION outbox_is_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is insert-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER audit_seal_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION outbox_is_insert_only();
