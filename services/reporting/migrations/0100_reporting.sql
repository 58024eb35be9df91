-- Read models of the reporting service, and the reports themselves.
--
-- Everything up to the table `report` is fed by events alone and may be emptied and rebuilt from the producers' logs.
-- There are no foreign keys between read tables: the producers' queues are independent of one another, and within one a
-- gap of an aggregate is repaired while the others flow on, so a row may arrive before the one it refers to.
-- What changes over time is kept as one row per change, so that every past year can still be asked.

create table area (
    code text primary key,
    title_sv text not null,
    title_en text not null
);

create table party (
    code text primary key,
    title_sv text not null,
    title_en text not null
);

create table board (
    code text primary key,
    title_sv text not null,
    title_en text not null,
    areas text[] not null
);

create table agreement (
    id uuid primary key,
    title_sv text not null,
    title_en text not null,
    kind text not null,
    parties text[] not null,
    areas text[] not null
);

create table agreement_edition (
    agreement uuid not null,
    edition integer not null,
    -- The day from which it is certain that the edition was adopted: the last day the source's precision allows.
    decided_by date not null,
    areas text[] not null,
    term_starts_on date not null,
    term_ends_on date not null,
    primary key (agreement, edition)
);

create table figure (
    id uuid primary key,
    agreement uuid not null,
    measure text not null,
    value integer not null,
    -- As precise as the source: month and day are 0 when it does not say.
    reported_year integer not null,
    reported_month integer not null,
    reported_day integer not null,
    source_document text not null,
    source_place text not null
);
create index figure_agreement on figure (agreement, reported_year);

create table organisation (
    id uuid primary key,
    display_name text not null,
    example boolean not null
);

create table signatory_change (
    agreement uuid not null,
    organisation uuid not null,
    version bigint not null,
    state text not null,
    -- The day from which the state is certain.
    certain_on date not null,
    example boolean not null,
    primary key (agreement, organisation, version)
);

create table commitment (
    id uuid primary key,
    agreement uuid not null,
    -- Empty when it concerns every area.
    areas text[] not null,
    text text not null,
    bearers text[] not null,
    principles text[] not null,
    example boolean not null
);
create index commitment_agreement on commitment (agreement);

create table commitment_change (
    commitment uuid not null,
    version bigint not null,
    state text not null,
    changed_on date not null,
    primary key (commitment, version)
);

create table action_plan (
    id uuid primary key,
    agreement uuid not null,
    title_sv text not null,
    title_en text not null,
    example boolean not null
);

create table action_plan_approval (
    action_plan uuid not null,
    party text not null,
    approved_on date not null,
    adopted boolean not null,
    primary key (action_plan, party)
);

create table action (
    id uuid primary key,
    action_plan uuid not null,
    agreement uuid not null,
    title text not null,
    owner text not null,
    commitments uuid[] not null,
    example boolean not null
);
create index action_agreement on action (agreement);

create table action_change (
    action uuid not null,
    version bigint not null,
    state text not null,
    percent integer not null,
    changed_on date not null,
    primary key (action, version)
);

create table action_deadline (
    action uuid not null,
    version bigint not null,
    due_on date not null,
    primary key (action, version)
);

create table follow_up (
    id uuid primary key,
    agreement uuid not null,
    year integer not null,
    parties text[] not null
);
create index follow_up_agreement on follow_up (agreement, year);

create table follow_up_deadline (
    follow_up uuid not null,
    version bigint not null,
    due_on date not null,
    primary key (follow_up, version)
);

create table follow_up_publication (
    follow_up uuid primary key,
    published_on date not null
);

create table account (
    follow_up uuid not null,
    party text not null,
    summary text not null,
    late boolean not null,
    submitted_on date not null,
    example boolean not null,
    primary key (follow_up, party)
);

-- One row per producing service, so that the consumers of two producers never wait for each other.
create table freshness (
    producer text primary key,
    events bigint not null,
    as_of timestamptz not null
);

-- From here on: what this service owns.

create table report (
    id uuid primary key,
    board text not null,
    year integer not null,
    format text not null check (format in ('html', 'pdf')),
    state text not null check (state in ('running', 'ready', 'failed')),
    size_bytes bigint not null default 0,
    failure text not null default '',
    created_at timestamptz not null,
    -- The section as it was when the report was ordered: rendering it later, or twice, gives the same report.
    section jsonb not null,
    version bigint not null
);
create index report_newest on report (created_at desc, id desc);
create index report_running on report (created_at) where state = 'running';

create table report_content (
    report uuid primary key references report (id) on delete cascade,
    content bytea not null
);
-- Uncompressed outside the row, so that a chunk is read without reading what stands before it.
alter table report_content alter column content set storage external;
