-- When what is due, what has arrived from whom, and what a batch looks like in numbers, to compare
-- it with the same window of former years.

create table quality.reporting_duty (
    dataset text primary key,
    title_zh text not null,
    system text not null,
    owner text not null,
    steward text not null,
    source_kind text not null check (source_kind in ('file', 'database', 'api')),
    period_kind text not null check (period_kind in ('school_year', 'fiscal_year', 'year', 'none')),
    scope text not null
);
comment on table quality.reporting_duty is 'Every dataset somebody has to send, as its contract stands; also those that never came';

create table quality.submission_window (
    dataset text not null,
    period text not null,
    opens_on date not null,
    due_on date not null,
    source text not null,
    primary key (dataset, period),
    check (opens_on <= due_on)
);
comment on table quality.submission_window is 'When each period of a dataset is due, from its contract; exceptions stand in ref.submission_window';
comment on column quality.submission_window.period is 'Period of the contract; for a dataset without periods the year or month it is to be confirmed for';

create table quality.receipt (
    batch_id bigint not null references ops.batch,
    file_no integer not null,
    unit_code text not null,
    row_count bigint not null,
    primary key (batch_id, file_no, unit_code)
);
comment on table quality.receipt is 'Which schools (or counties, in sums) a landed file has rows of, whatever became of these rows';
comment on column quality.receipt.unit_code is 'Code as delivered, blanks removed';

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
comment on table quality.profile is 'Figures of a batch, never a value of a row; county_code empty: the whole batch';
comment on column quality.profile.metric is 'row_count; rows_4_weeks (of sources that bring what is new); filled_share, distinct_share, code_share:<code> (0 to 1); p10, median, p90, total';


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
comment on column quality.anomaly.spread is 'Null where fewer than three former years are known: then bounds on the ratio (of shares: on the difference) decide';
comment on column quality.anomaly.score is 'With a spread: how many spreads from expected; else, of shares, the difference, of others log2 of the ratio';
