-- Who must know: subscribers, what they want to know, what happened, and each one's inbox.

-- The district boards as the registry tells of them: to refuse unknown ones, and to name them in a
-- sentence.
CREATE TABLE district_board (
    code         text PRIMARY KEY,
    title_sv     text NOT NULL,
    title_en     text NOT NULL,
    successor    text,
    succeeded_on date,
    CONSTRAINT district_board_succession CHECK ((successor IS NULL) = (succeeded_on IS NULL))
);

CREATE TABLE subscriber (
    id                 uuid PRIMARY KEY,
    -- Swedish order: å ä ö come last.
    display_name       text COLLATE "sv-x-icu" NOT NULL,
    -- No foreign key: the projection may be rebuilt while subscribers stay.
    district_board     text,
    version            bigint NOT NULL CHECK (version >= 1),
    -- The inbox is numbered here and not by a sequence: a sequence leaves holes, and hands numbers
    -- out in another order than they commit in. The row lock does neither.
    last_position      bigint NOT NULL DEFAULT 0,
    acknowledged_up_to bigint NOT NULL DEFAULT 0,
    registered_at      timestamptz NOT NULL,
    CONSTRAINT subscriber_district_board_key UNIQUE (district_board),
    CONSTRAINT subscriber_acknowledges_what_it_has
        CHECK (0 <= acknowledged_up_to AND acknowledged_up_to <= last_position)
);
CREATE INDEX subscriber_order ON subscriber (display_name, id);

CREATE TABLE subscription (
    id               uuid PRIMARY KEY,
    subscriber       uuid NOT NULL REFERENCES subscriber (id),
    -- Empty lists and severity 0 ask for nothing.
    event_types      text[] NOT NULL,
    areas            text[] NOT NULL,
    agreements       uuid[] NOT NULL,
    district_boards  text[] NOT NULL,
    minimum_severity smallint NOT NULL CHECK (minimum_severity BETWEEN 0 AND 3),
    active           boolean NOT NULL,
    version          bigint NOT NULL CHECK (version >= 1)
);
CREATE INDEX subscription_of_subscriber ON subscription (subscriber, id);
-- What every event is matched with.
CREATE INDEX subscription_in_force ON subscription (id) WHERE active;

-- Every event once, whoever is told of it: inboxes point here, and previews look here.
CREATE TABLE event (
    seq             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id              uuid NOT NULL,
    type            text NOT NULL,
    subject         text NOT NULL,
    subject_version bigint NOT NULL,
    occurred_at     timestamptz NOT NULL,
    agreement       uuid,
    areas           text[] NOT NULL,
    district_board  text,
    severity        smallint NOT NULL CHECK (severity BETWEEN 1 AND 3),
    title_sv        text NOT NULL,
    title_en        text NOT NULL,
    link            text NOT NULL,
    CONSTRAINT event_id_key UNIQUE (id)
);

CREATE TABLE notification (
    subscriber uuid NOT NULL REFERENCES subscriber (id),
    position   bigint NOT NULL CHECK (position >= 1),
    event      uuid NOT NULL REFERENCES event (id),
    PRIMARY KEY (subscriber, position),
    -- One event makes one notification at most, however often it is delivered and however many
    -- subscriptions match.
    CONSTRAINT notification_once UNIQUE (subscriber, event)
);
