-- Which life of its log the database is in. A database that was restored to an earlier instant begins
-- a new one: what was said in the former life beyond that instant never happened, and its numbers and
-- versions are given out again. A row is written by `migrate --incarnation` and by nobody else.
CREATE TABLE log_incarnation (
    number   bigint      PRIMARY KEY CHECK (number >= 1),
    -- The last number of the log that was taken over from the life before.
    last_seq bigint      NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER log_incarnation_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_incarnation
    FOR EACH STATEMENT EXECUTE FUNCTION outbox_is_insert_only();

INSERT INTO log_incarnation (number, last_seq) VALUES (1, 0);
