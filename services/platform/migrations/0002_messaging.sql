-- Messaging: the outbox log of what this service says, and the inbox of what it has heard.
-- The service's role needs INSERT and SELECT on outbox and nothing more; the relay's progress is
-- a table of its own, and partitions are made and dropped by a function of the owner.

CREATE TABLE outbox (
    -- First on purpose: defaults are evaluated in column order, so the transaction has its number
    -- before it draws a seq. The relay buries a missing seq when every transaction older than a
    -- bound has ended; a writer that drew its seq before its number would slip past that bound.
    xid          xid8        NOT NULL DEFAULT pg_current_xact_id(),
    -- Cache 1: a session that keeps numbers in store would make holes that only its end explains.
    seq          bigint      GENERATED ALWAYS AS IDENTITY (CACHE 1),
    aggregate    text        NOT NULL,
    aggregate_id text        NOT NULL,
    version      bigint      NOT NULL CHECK (version >= 1),
    id           uuid        NOT NULL,
    type         text        NOT NULL,
    district     text        NOT NULL,
    subject      text        NOT NULL,
    actor        text        NOT NULL,
    time         timestamptz NOT NULL,
    traceparent  text,
    payload      bytea       NOT NULL,
    PRIMARY KEY (seq)
) PARTITION BY RANGE (seq);

COMMENT ON TABLE outbox IS
    'Insert-only log of events: source of the relay, of replays and of the audit trail.';

-- Replay of one aggregate. Not unique: a unique index would have to hold seq, and then says nothing.
CREATE INDEX outbox_by_aggregate ON outbox (aggregate, aggregate_id, version);

CREATE FUNCTION outbox_is_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'outbox is insert-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER outbox_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION outbox_is_insert_only();

-- How far the relay has come: every number up to low_water is confirmed by the broker or will
-- never exist. count and hash sum up the events below it, so that a consumer can compare.
CREATE TABLE relay_mark (
    only_row   boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    low_water  bigint      NOT NULL DEFAULT 0,
    count      bigint      NOT NULL DEFAULT 0,
    hash       bigint      NOT NULL DEFAULT 0,
    timeline   text        NOT NULL DEFAULT '',
    written_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO relay_mark DEFAULT VALUES;

-- Makes partitions ahead of the newest number and drops those that lie wholly below the relay's
-- mark and whose newest event is older than the retention time (null keeps everything).
CREATE FUNCTION outbox_maintain(ahead integer, retain interval)
    RETURNS TABLE (created integer, dropped integer)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    -- Large enough that dropping is rare, small enough that one drop is quick.
    size    CONSTANT bigint := 1000000;
    newest  bigint;
    settled bigint;
    n       bigint;
    part    record;
    youngest timestamptz;
BEGIN
    created := 0;
    dropped := 0;
    -- One at a time among the replicas; nobody waits.
    IF NOT pg_try_advisory_xact_lock(hashtextextended('handslag.outbox_maintain', 0)) THEN
        RETURN NEXT;
        RETURN;
    END IF;
    -- Dropping takes an exclusive lock for an instant: rather skip a round than queue writers.
    SET LOCAL lock_timeout = '2s';
    SELECT coalesce(max(seq), 0) INTO newest FROM outbox;
    FOR n IN newest / size .. newest / size + ahead LOOP
        IF to_regclass(format('outbox_p%s', n)) IS NULL THEN
            -- Created apart and attached: that locks out no writer, PARTITION OF would.
            EXECUTE format(
                'CREATE TABLE outbox_p%s (LIKE outbox INCLUDING DEFAULTS INCLUDING CONSTRAINTS '
                'INCLUDING INDEXES)', n);
            EXECUTE format(
                'ALTER TABLE outbox ATTACH PARTITION outbox_p%s FOR VALUES FROM (%s) TO (%s)',
                n, n * size, (n + 1) * size);
            created := created + 1;
        END IF;
    END LOOP;
    IF retain IS NOT NULL THEN
        SELECT low_water INTO settled FROM relay_mark;
        FOR part IN
            SELECT c.relname, substr(c.relname, 9)::bigint AS n
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'outbox'::regclass AND c.relname ~ '^outbox_p[0-9]+$'
        LOOP
            CONTINUE WHEN (part.n + 1) * size > settled;
            EXECUTE format('SELECT max(time) FROM (SELECT time FROM %I ORDER BY seq DESC LIMIT 1000) t',
                part.relname) INTO youngest;
            IF youngest IS NULL OR youngest < now() - retain THEN
                EXECUTE format('DROP TABLE %I', part.relname);
                dropped := dropped + 1;
            END IF;
        END LOOP;
    END IF;
    RETURN NEXT;
END
$$;

SELECT outbox_maintain(2, NULL);

-- High-water mark of each aggregate heard of. It never expires; a gap is a version above mark + 1.
CREATE TABLE inbox_mark (
    producer     text   NOT NULL,
    aggregate    text   NOT NULL,
    aggregate_id text   NOT NULL,
    version      bigint NOT NULL CHECK (version >= 1),
    PRIMARY KEY (producer, aggregate, aggregate_id)
) WITH (fillfactor = 80);

-- Events that came before their predecessors.
CREATE TABLE inbox_parked (
    producer     text        NOT NULL,
    aggregate    text        NOT NULL,
    aggregate_id text        NOT NULL,
    version      bigint      NOT NULL,
    headers      jsonb       NOT NULL,
    payload      bytea       NOT NULL,
    attempts     integer     NOT NULL DEFAULT 0,
    parked_at    timestamptz NOT NULL DEFAULT now(),
    -- When the producer is asked (again) for what is missing, and when a failed effect is tried again.
    ask_after    timestamptz NOT NULL,
    try_after    timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (producer, aggregate, aggregate_id, version)
);

-- What has arrived since the last agreement with the producer's digest; emptied by each agreement.
CREATE TABLE inbox_seen (
    producer text   NOT NULL,
    seq      bigint NOT NULL,
    hash     bigint NOT NULL,
    PRIMARY KEY (producer, seq)
);

-- The last agreement: count and hash of all events of the producer up to seq.
CREATE TABLE inbox_account (
    producer      text        PRIMARY KEY,
    seq           bigint      NOT NULL DEFAULT 0,
    count         bigint      NOT NULL DEFAULT 0,
    hash          bigint      NOT NULL DEFAULT 0,
    replay_wanted boolean     NOT NULL DEFAULT false,
    agreed_at     timestamptz
);

-- Messages whose effect was refused. The aggregate's followers are parked until somebody acts.
CREATE TABLE dead_letter (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- What makes the message one and the same: its aggregate's version, or a hash of garbage.
    fingerprint   text        NOT NULL UNIQUE,
    queue         text        NOT NULL,
    producer      text        NOT NULL,
    aggregate     text,
    aggregate_id  text,
    version       bigint,
    type          text,
    reason        text        NOT NULL,
    error         text        NOT NULL,
    attempts      integer     NOT NULL DEFAULT 1,
    headers       jsonb       NOT NULL,
    payload       bytea       NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    last_at       timestamptz NOT NULL DEFAULT now(),
    replay_wanted boolean     NOT NULL DEFAULT false
);

CREATE INDEX dead_letter_by_aggregate ON dead_letter (producer, aggregate, aggregate_id, version);
