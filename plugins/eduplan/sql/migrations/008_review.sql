-- A held batch waits for a person. Waiting never publishes: only a decision does.

create table quality.review (
    review_id bigint generated always as identity primary key,
    batch_id bigint not null references ops.batch,
    dataset text not null,
    period text not null,
    status text not null default 'waiting' check (status in ('waiting', 'decided', 'expired', 'withdrawn')),
    reasons text[] not null,
    row_count bigint not null,
    critical_count bigint not null,
    opened_at timestamptz not null default clock_timestamp(),
    airflow_run_id text,
    decision text check (decision in ('release', 'release_clean', 'reject')),
    decided_by text,
    decided_why text,
    closed_at timestamptz,
    check ((status = 'decided') = (decision is not null)),
    check (decision is null or decided_by is not null)
);
comment on table quality.review is 'One row each time a batch is held: what a person was asked and what they decided';
comment on column quality.review.status is 'waiting; decided; expired: nobody answered in time, the batch stays held; withdrawn: the batch is no longer held';
comment on column quality.review.decision is 'release: also the bad rows whose rules may be overridden; release_clean: without the bad rows; reject: nothing';
create unique index review_waiting on quality.review (batch_id) where status = 'waiting';

create table quality.review_move (
    review_id bigint not null references quality.review on delete cascade,
    decision text not null check (decision in ('release', 'release_clean')),
    indicator_code text not null,
    region_code text not null,
    region_name text not null,
    period text not null,
    value_before numeric,
    value_after numeric,
    status_before text,
    status_after text,
    primary key (review_id, decision, indicator_code, region_code, period)
);
comment on table quality.review_move is 'Published indicators that a decision would move, from what to what, as computed when it was asked';
