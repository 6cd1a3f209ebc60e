-- Sources beyond whole-period files: deliveries of one school, rows by key, APIs and databases.

alter table ops.batch add column scope text not null default 'period'
    check (scope in ('period', 'full', 'school', 'key'));
-- Several batches of one period stand side by side when each replaces only its schools or keys.
drop index ops.batch_published;
create unique index batch_published on ops.batch (dataset, period)
    where status = 'published' and scope in ('period', 'full');

create table ops.pull (
    pull_id bigint generated always as identity primary key,
    dataset text not null,
    kind text not null check (kind in ('api', 'database')),
    status text not null check (status in ('running', 'complete', 'landed', 'unchanged', 'failed')),
    is_full boolean not null,
    window_from timestamptz,
    window_until timestamptz,
    snapshot text,
    next_page text,
    spool text not null,
    spool_bytes bigint not null default 0,
    page_count integer not null default 0,
    record_count bigint not null default 0,
    announced_count bigint,
    live_count bigint,
    batch_id bigint references ops.batch,
    error text,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
comment on table ops.pull is 'One reading of an API resource or a database table';
comment on column ops.pull.window_from is 'Changes from here on were asked for; null: everything';
comment on column ops.pull.window_until is 'Clock of the source when the reading began; fixed for the whole reading';
comment on column ops.pull.next_page is 'Cursor or page number to go on with after an interruption';
comment on column ops.pull.spool_bytes is 'Length of the spool file that next_page belongs to';
comment on column ops.pull.announced_count is 'Records the source said the window has';
comment on column ops.pull.live_count is 'Records the source said are alive at window_until';
create unique index pull_running on ops.pull (dataset) where status in ('running', 'complete');
create index pull_batch on ops.pull (batch_id);

create table raw.superseded_row (
    batch_id bigint not null,
    file_no integer not null,
    row_no bigint not null,
    dataset text not null,
    period text not null,
    payload jsonb not null,
    superseded_by bigint not null,
    superseded_at timestamptz not null default clock_timestamp(),
    primary key (batch_id, file_no, row_no)
);
comment on table raw.superseded_row is 'Published rows that a later delivery of their school or key replaced';
create index superseded_row_by on raw.superseded_row (superseded_by);
