-- The registry: who and what was agreed.
--
-- Names of things are text in Swedish order (å ä ö last), compared with the ICU collation that does not change with
-- the operating system. Partial dates are text as `2012`, `2012-06` or `2012-06-01`, beside the first day that they
-- can mean, which is what rows are ordered and compared by. Words of a fixed list are text, checked by the program
-- that alone writes them: a new word must not need a table rewrite.

CREATE TABLE area (
    code text COLLATE "C" PRIMARY KEY,
    title_sv text NOT NULL,
    title_en text,
    version bigint NOT NULL CHECK (version > 0)
);

CREATE TABLE party (
    code text COLLATE "C" PRIMARY KEY,
    title_sv text NOT NULL,
    title_en text,
    version bigint NOT NULL CHECK (version > 0)
);

CREATE TABLE board (
    code text COLLATE "C" PRIMARY KEY,
    title_sv text NOT NULL,
    title_en text,
    -- Areas are never deleted, so that the check when a row is written holds for ever; the same in every `areas`.
    areas text[] NOT NULL,
    version bigint NOT NULL CHECK (version > 0)
);

CREATE TABLE district_board (
    code text COLLATE "C" PRIMARY KEY,
    title_sv text COLLATE "sv-x-icu" NOT NULL,
    title_en text,
    established_on date,
    succeeded_on date,
    successor text COLLATE "C" REFERENCES district_board,
    version bigint NOT NULL CHECK (version > 0),
    CHECK ((succeeded_on IS NULL) = (successor IS NULL)),
    CHECK (succeeded_on > established_on),
    CHECK (successor <> code)
);
CREATE INDEX district_board_by_title ON district_board (title_sv, code);
CREATE INDEX district_board_by_successor ON district_board (successor);

CREATE TABLE agreement (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    title_sv text NOT NULL,
    title_en text,
    parties text[] NOT NULL CHECK (cardinality(parties) >= 2),
    -- Of the draft; each edition has its own.
    principles jsonb NOT NULL,
    areas text[] NOT NULL CHECK (cardinality(areas) >= 1),
    term_years integer NOT NULL CHECK (term_years BETWEEN 1 AND 20),
    max_extensions integer NOT NULL CHECK (max_extensions BETWEEN 0 AND 10),
    version bigint NOT NULL CHECK (version > 0)
);

CREATE TABLE edition (
    agreement uuid NOT NULL REFERENCES agreement,
    number integer NOT NULL CHECK (number > 0),
    decided_on text COLLATE "C" NOT NULL,
    decided_by text NOT NULL,
    principles jsonb NOT NULL,
    areas text[] NOT NULL CHECK (cardinality(areas) >= 1),
    diary_numbers text[] NOT NULL,
    PRIMARY KEY (agreement, number)
);

CREATE TABLE proceeding (
    id uuid PRIMARY KEY,
    agreement uuid NOT NULL REFERENCES agreement,
    kind text NOT NULL,
    held_on text COLLATE "C" NOT NULL,
    held_from date NOT NULL,
    -- Order among the steps of the same first day, from 1.
    position integer NOT NULL CHECK (position > 0),
    ended_on text COLLATE "C",
    title_sv text NOT NULL,
    title_en text,
    summary_sv text,
    summary_en text,
    actors text[] NOT NULL,
    outcomes text[] NOT NULL,
    diary_numbers text[] NOT NULL,
    responds_to uuid REFERENCES proceeding,
    refers_to uuid REFERENCES proceeding,
    source_document text,
    source_place text,
    -- Of statements only.
    invitation text,
    due_on date,
    on_older_draft boolean,
    taken_up boolean,
    answer_sv text,
    answer_en text,
    UNIQUE (agreement, held_from, position),
    CHECK ((kind = 'statement') = (invitation IS NOT NULL)),
    CHECK ((kind = 'statement') = (on_older_draft IS NOT NULL)),
    CHECK (kind = 'statement' OR (due_on IS NULL AND taken_up IS NULL)),
    CHECK ((taken_up IS NULL) = (answer_sv IS NULL))
);

CREATE TABLE proposal (
    id uuid PRIMARY KEY,
    agreement uuid NOT NULL REFERENCES agreement,
    title_sv text NOT NULL,
    title_en text,
    state text NOT NULL,
    resolution_sv text,
    resolution_en text,
    resolved_on text COLLATE "C",
    version bigint NOT NULL CHECK (version > 0),
    CHECK ((state = 'open') = (resolution_sv IS NULL)),
    CHECK ((state = 'open') = (resolved_on IS NULL))
);
CREATE INDEX proposal_by_agreement ON proposal (agreement, id);

CREATE TABLE proposal_proceeding (
    proposal uuid NOT NULL REFERENCES proposal,
    proceeding uuid NOT NULL REFERENCES proceeding,
    PRIMARY KEY (proposal, proceeding)
);
CREATE INDEX proposal_proceeding_by_proceeding ON proposal_proceeding (proceeding, proposal);

CREATE TABLE figure (
    id uuid PRIMARY KEY,
    agreement uuid NOT NULL REFERENCES agreement,
    measure text NOT NULL,
    value integer NOT NULL CHECK (value BETWEEN 0 AND 100000),
    approximate boolean NOT NULL,
    reported_on text COLLATE "C" NOT NULL,
    reported_from date NOT NULL,
    source_document text NOT NULL,
    source_place text,
    version bigint NOT NULL CHECK (version > 0)
);
CREATE INDEX figure_by_date ON figure (agreement, reported_from, id);

CREATE TABLE organisation (
    id uuid PRIMARY KEY,
    display_name text COLLATE "sv-x-icu" NOT NULL,
    -- What a search compares with: the name in lower case, by the rules of the language.
    search_name text COLLATE "C" GENERATED ALWAYS AS (lower(display_name)) STORED,
    kind text NOT NULL,
    level text NOT NULL,
    roles text[] NOT NULL,
    areas text[] NOT NULL,
    notes jsonb NOT NULL,
    example boolean NOT NULL,
    version bigint NOT NULL CHECK (version > 0)
);
-- Carries what lists filter by, so that rows that do not match cost no visit to the table.
CREATE INDEX organisation_by_name ON organisation (display_name, id)
    INCLUDE (search_name, kind, level, example);
CREATE INDEX organisation_by_area ON organisation USING gin (areas);

CREATE TABLE organisation_number (
    organisation uuid NOT NULL REFERENCES organisation,
    -- Ten digits without the hyphen. Never a personal identity number: the program refuses those before it writes.
    number text COLLATE "C" NOT NULL CHECK (number ~ '^[0-9]{2}[2-9][0-9]{7}$'),
    valid daterange NOT NULL CHECK (NOT isempty(valid)),
    PRIMARY KEY (organisation, valid)
);
-- No exclusion constraint: it would need an extension that a managed database may not offer. The program holds an
-- advisory lock on the number while it looks for an overlap.
CREATE INDEX organisation_number_by_number ON organisation_number (number) INCLUDE (organisation, valid);

CREATE TABLE signatory (
    agreement uuid NOT NULL REFERENCES agreement,
    organisation uuid NOT NULL REFERENCES organisation,
    state text NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    PRIMARY KEY (agreement, organisation) INCLUDE (state)
);
CREATE INDEX signatory_by_organisation ON signatory (organisation);

CREATE TABLE signatory_step (
    agreement uuid NOT NULL,
    organisation uuid NOT NULL,
    -- From 1; the last is where the relation stands.
    number bigint NOT NULL CHECK (number > 0),
    state text NOT NULL,
    edition integer,
    effective_on text COLLATE "C" NOT NULL,
    -- First day that it holds; never before the step before it.
    effective_from date NOT NULL,
    note text,
    PRIMARY KEY (agreement, organisation, number),
    FOREIGN KEY (agreement, organisation) REFERENCES signatory,
    CHECK ((state = 'signed') = (edition IS NOT NULL))
);
