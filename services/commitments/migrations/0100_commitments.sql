-- What was promised and what is done, and what of the registry is needed to judge it.

-- Projections of the registry, written by its events alone. They refer to each other by code without foreign keys:
-- events of different aggregates come in no order, so a board may be succeeded before its successor is known.

CREATE TABLE area (
    code     text PRIMARY KEY,
    title_sv text NOT NULL,
    title_en text
);

CREATE TABLE party (
    code     text PRIMARY KEY,
    title_sv text NOT NULL,
    title_en text
);

CREATE TABLE agreement (
    id             uuid PRIMARY KEY,
    -- Codes, in the agreement's own order.
    parties        text[] NOT NULL,
    principles     text[] NOT NULL,
    areas          text[] NOT NULL,
    -- 0 until the first version is adopted.
    edition        integer NOT NULL DEFAULT 0,
    term_starts_on date,
    term_ends_on   date
);

CREATE TABLE district_board (
    code           text PRIMARY KEY,
    title_sv       text NOT NULL,
    title_en       text,
    -- NULL when older than the record.
    established_on date,
    -- Both or neither.
    successor      text,
    succeeded_on   date,
    CHECK ((successor IS NULL) = (succeeded_on IS NULL))
);
CREATE INDEX district_board_successor ON district_board (successor) WHERE successor IS NOT NULL;

-- What one or several parties promise. Never deleted.
CREATE TABLE commitment (
    id               uuid PRIMARY KEY,
    agreement        uuid NOT NULL REFERENCES agreement,
    text             text NOT NULL,
    principles       text[] NOT NULL CHECK (cardinality(principles) > 0),
    area             text NOT NULL,
    proposer         text NOT NULL,
    legal_basis      text CHECK (legal_basis IN ('sol', 'lss')),
    diversity        text CHECK (diversity IN ('providers', 'people')),
    diversity_ground text CHECK (diversity_ground IS NULL OR diversity = 'people'),
    example          boolean NOT NULL,
    -- Follows from the bearers' answers and is kept beside them so that lists can ask for it.
    state            text NOT NULL CHECK (state IN ('proposed', 'binding', 'declined')),
    version          bigint NOT NULL CHECK (version > 0)
);
CREATE INDEX commitment_agreement ON commitment (agreement, id);
CREATE INDEX commitment_area ON commitment (area, id);

CREATE TABLE commitment_bearer (
    commitment  uuid NOT NULL REFERENCES commitment,
    position    integer NOT NULL,
    party       text NOT NULL,
    answer      text NOT NULL CHECK (answer IN ('pending', 'accepted', 'declined')),
    answered_at timestamptz,
    reason      text,
    PRIMARY KEY (commitment, party),
    CHECK ((answer = 'pending') = (answered_at IS NULL)),
    CHECK ((answer = 'declined') = (reason IS NOT NULL))
);
CREATE INDEX commitment_bearer_party ON commitment_bearer (party, commitment);

-- Concrete measures, adopted by every party of the agreement.
CREATE TABLE action_plan (
    id        uuid PRIMARY KEY,
    agreement uuid NOT NULL REFERENCES agreement,
    title_sv  text NOT NULL,
    title_en  text,
    starts_on date NOT NULL,
    ends_on   date NOT NULL CHECK (ends_on >= starts_on),
    example   boolean NOT NULL,
    version   bigint NOT NULL CHECK (version > 0)
);
CREATE INDEX action_plan_agreement ON action_plan (agreement, id);

-- The parties whose approval a plan needs, as they were when it was drafted.
CREATE TABLE action_plan_approval (
    action_plan uuid NOT NULL REFERENCES action_plan,
    position    integer NOT NULL,
    party       text NOT NULL,
    approved_at timestamptz,
    PRIMARY KEY (action_plan, party)
);

CREATE TABLE action (
    id          uuid PRIMARY KEY,
    action_plan uuid NOT NULL REFERENCES action_plan,
    title       text NOT NULL,
    owner       text NOT NULL,
    due_on      date NOT NULL,
    -- As last reported. Whether it is overdue is computed from the day and never stored, so that nothing can be
    -- wrong after an outage.
    state       text NOT NULL CHECK (state IN ('planned', 'in_progress', 'done', 'cancelled')),
    percent     integer NOT NULL CHECK (percent BETWEEN 0 AND 100),
    example     boolean NOT NULL,
    version     bigint NOT NULL CHECK (version > 0)
);
CREATE INDEX action_by_due_day ON action (due_on, id);
CREATE INDEX action_action_plan ON action (action_plan, due_on, id);

-- What an action is rooted in; the domain refuses an action without a root.
CREATE TABLE action_commitment (
    action     uuid NOT NULL REFERENCES action,
    position   integer NOT NULL,
    commitment uuid NOT NULL REFERENCES commitment,
    PRIMARY KEY (action, commitment)
);
CREATE INDEX action_commitment_commitment ON action_commitment (commitment, action);

-- Insert-only: what was reported stays.
CREATE TABLE action_report (
    action      uuid NOT NULL REFERENCES action,
    position    integer NOT NULL,
    reported_on date NOT NULL,
    state       text NOT NULL CHECK (state IN ('planned', 'in_progress', 'done', 'cancelled')),
    percent     integer NOT NULL CHECK (percent BETWEEN 0 AND 100),
    note        text,
    PRIMARY KEY (action, position)
);

-- The yearly round.
CREATE TABLE follow_up (
    id              uuid PRIMARY KEY,
    agreement       uuid NOT NULL REFERENCES agreement,
    year            integer NOT NULL CHECK (year BETWEEN 1900 AND 2199),
    accounts_due_on date NOT NULL,
    published_at    timestamptz,
    version         bigint NOT NULL CHECK (version > 0),
    CONSTRAINT follow_up_once_a_year UNIQUE (agreement, year)
);
CREATE INDEX follow_up_newest ON follow_up (year DESC, id DESC);

-- One row per party from the start, so that a missing account is a row that says so.
CREATE TABLE follow_up_account (
    follow_up         uuid NOT NULL REFERENCES follow_up,
    position          integer NOT NULL,
    party             text NOT NULL,
    summary           text,
    submitted_on      date,
    -- Handed in when the round was published already, which counts as late whatever the last day is.
    after_publication boolean NOT NULL DEFAULT false,
    light             boolean NOT NULL DEFAULT false,
    example           boolean NOT NULL DEFAULT false,
    PRIMARY KEY (follow_up, party),
    CHECK ((summary IS NULL) = (submitted_on IS NULL))
);

-- Stays with the board that held it when that board is succeeded; the successor shows it as its predecessor's.
CREATE TABLE deliberation (
    id             uuid PRIMARY KEY,
    agreement      uuid NOT NULL REFERENCES agreement,
    district_board text NOT NULL,
    -- 0 where the source does not know month or day.
    held_year      integer NOT NULL,
    held_month     integer NOT NULL CHECK (held_month BETWEEN 0 AND 12),
    held_day       integer NOT NULL CHECK (held_day BETWEEN 0 AND 31),
    paragraph      text NOT NULL,
    note           text,
    version        bigint NOT NULL CHECK (version > 0),
    CONSTRAINT deliberation_once
        UNIQUE (agreement, district_board, held_year, held_month, held_day, paragraph)
);
