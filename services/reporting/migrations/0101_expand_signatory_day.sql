-- How the number of signatories changes from day to day. A curve is read from as many rows as there are days with changes,
-- however many organisations there are.
--
-- The database keeps it, and not the program: while an upgrade runs, the program before it writes changes as well.
create table signatory_day (
    agreement uuid not null,
    day date not null,
    -- Whether the organisations are example data.
    example boolean not null,
    -- Organisations that count from this day on, less those that count no longer.
    signed integer not null,
    decided integer not null,
    -- Organisations that are first heard of on this day.
    begun integer not null,
    primary key (agreement, day, example)
) with (fillfactor = 80);

-- For every relation that has news: what it adds to each day with them, less what it added without. The day of a change is
-- bounded by those of later ones, so that news may move earlier steps (src/domain/history.rs).
create function count_signatory_days() returns trigger language plpgsql as $$
begin
    insert into signatory_day as counted (agreement, day, example, signed, decided, begun)
    with touched as (
        select agreement, organisation, array_agg(version) as versions from news group by agreement, organisation
    ), change as (
        -- Looked up relation by relation: a join could read every change there is.
        select touched.agreement, touched.organisation, one.*, one.version = any (touched.versions) as is_new
        from touched cross join lateral (
            select version, state, certain_on, example from signatory_change
            where agreement = touched.agreement and organisation = touched.organisation
            offset 0
        ) as one
    ), side as (
        select 1 as sign, * from change
        union all
        select -1 as sign, * from change where not is_new
    ), step as (
        select sign, agreement, organisation, version,
               min(certain_on) over (relation order by version rows between current row and unbounded following) as day,
               bool_or(example) over relation as example,
               (state = 'signed')::integer as signed,
               (state in ('decided', 'signed'))::integer as decided
        from side window relation as (partition by sign, agreement, organisation)
    ), added as (
        select sign, agreement, day, example,
               signed - lag(signed, 1, 0) over earlier as signed,
               decided - lag(decided, 1, 0) over earlier as decided,
               (row_number() over earlier = 1)::integer as begun
        from step window earlier as (partition by sign, agreement, organisation order by version)
    )
    select agreement, day, example, sum(sign * signed), sum(sign * decided), sum(sign * begun)
    from added group by agreement, day, example
    having sum(sign * signed) <> 0 or sum(sign * decided) <> 0 or sum(sign * begun) <> 0
    on conflict (agreement, day, example) do update
        set signed = counted.signed + excluded.signed,
            decided = counted.decided + excluded.decided,
            begun = counted.begun + excluded.begun;
    return null;
end
$$;

create trigger signatory_change_count_days after insert on signatory_change
    referencing new table as news for each statement execute function count_signatory_days();

create function empty_signatory_days() returns trigger language plpgsql as $$
begin
    truncate signatory_day;
    return null;
end
$$;

create trigger signatory_change_empty_days after truncate on signatory_change
    for each statement execute function empty_signatory_days();

-- What there is already is counted by being written anew.
create table signatory_change_before as select * from signatory_change;
truncate signatory_change;
insert into signatory_change select * from signatory_change_before;
drop table signatory_change_before;
