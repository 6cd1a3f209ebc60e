-- What a batch looks like in numbers, to compare it with the same window of former years.

create table quality.profile (
    batch_id bigint not null references ops.batch,
    dataset text not null,
    period text not null,
    county_code text not null default '',
    metric text not null,
    column_name text not null default '',
    value double precision not null,
    primary key (batch_id, county_code, metric, column_name)
);
comment on table quality.profile is 'Figures of a batch, never a value of a row: row_count, filled_share, distinct_count, median, …; county_code empty: the whole batch';
create index profile_series on quality.profile (dataset, metric, column_name, county_code);

create table quality.anomaly (
    batch_id bigint not null references ops.batch,
    dataset text not null,
    period text not null,
    county_code text not null default '',
    metric text not null,
    column_name text not null default '',
    value double precision not null,
    expected double precision not null,
    spread double precision,
    score double precision not null,
    compared_with text[] not null,
    seen_at timestamptz not null default clock_timestamp(),
    primary key (batch_id, county_code, metric, column_name)
);
comment on table quality.anomaly is 'Figures far from those of former years: expected is their median, spread their scaled median absolute deviation';
