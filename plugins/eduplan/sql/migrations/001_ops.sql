-- State of the pipeline. `raw` and `quality` hold personal data: no role but the owner may read them.
create schema raw;
create schema quality;
create schema audit;
create schema edu;
create schema ref_data;
revoke all on schema raw, quality, audit from public;

create table ops.batch (
    batch_id bigint generated always as identity primary key,
    dataset text not null,
    period text not null,
    status text not null check (status in ('landed', 'audited', 'published', 'held', 'rejected', 'superseded', 'failed')),
    content_hash text not null,
    contract_version text not null,
    contract_hash text not null,
    row_count bigint not null default 0,
    rejected_count bigint not null default 0,
    file_count integer not null default 0,
    rejected_file_count integer not null default 0,
    accepted_count bigint,
    quarantined_count bigint,
    warning_count bigint,
    held_reason text,
    error_code text,
    error text,
    landed_at timestamptz not null default clock_timestamp(),
    audited_at timestamptz,
    published_at timestamptz,
    superseded_at timestamptz,
    superseded_by bigint references ops.batch
);
comment on table ops.batch is 'One delivery of one dataset for one period, and what became of it';
-- The same bytes are landed once as long as their batch is alive.
create unique index batch_alive on ops.batch (dataset, period, content_hash)
    where status in ('landed', 'audited', 'published', 'held');
create unique index batch_published on ops.batch (dataset, period) where status = 'published';

create table ops.batch_file (
    batch_id bigint not null references ops.batch,
    file_no integer not null,
    path text not null,
    sheet text not null default '',
    sha256 text not null,
    size_bytes bigint not null,
    format text not null,
    encoding text,
    encoding_reason text,
    row_count bigint not null default 0,
    status text not null check (status in ('landed', 'rejected', 'ignored')),
    error_code text,
    error text,
    primary key (batch_id, file_no)
);
comment on table ops.batch_file is 'One row per file and sheet of a batch; path is relative to the source root';
comment on column ops.batch_file.encoding_reason is 'Why this encoding was chosen: bom, strict utf-8, declared, fallback';
create index batch_file_sha on ops.batch_file (sha256);

create table ops.drift_event (
    event_id bigint generated always as identity primary key,
    batch_id bigint not null references ops.batch,
    file_no integer not null,
    dataset text not null,
    kind text not null,
    column_name text not null,
    rule_id text not null default 'LND-006',
    detail text not null default '',
    seen_at timestamptz not null default clock_timestamp()
);

create table ops.build (
    build_id bigint generated always as identity primary key,
    invocation_id text not null,
    fingerprint text not null,
    status text not null check (status in ('success', 'failed')),
    started_at timestamptz not null,
    finished_at timestamptz not null,
    node_count integer not null,
    error text
);
create table ops.build_node (
    build_id bigint not null references ops.build,
    node_id text not null,
    resource_type text not null,
    status text not null,
    seconds double precision,
    rows_affected bigint,
    failures bigint,
    message text,
    primary key (build_id, node_id)
);

create table raw.extra_value (
    batch_id bigint not null,
    file_no integer not null,
    row_no bigint not null,
    "values" jsonb not null,
    primary key (batch_id, file_no, row_no)
);
comment on table raw.extra_value is 'Values of columns the contract does not know, landed beside their row';

create table quality.check_result (
    result_id bigint generated always as identity primary key,
    run_id uuid not null,
    batch_id bigint not null references ops.batch,
    dataset text not null,
    period text not null,
    rule_id text not null,
    level text not null check (level in ('file', 'row', 'table')),
    severity text not null check (severity in ('critical', 'warning', 'info')),
    dimension text not null,
    status text not null check (status in ('passed', 'failed', 'not_run', 'error')),
    checked_count bigint,
    failed_count bigint,
    detail text,
    checked_at timestamptz not null default clock_timestamp()
);
comment on table quality.check_result is 'Append-only: one row per rule and audit run, never a data value';
create index check_result_batch on quality.check_result (batch_id);

create table quality.row_verdict (
    batch_id bigint not null references ops.batch,
    file_no integer not null,
    row_no bigint not null,
    rules text[] not null,
    severity text not null check (severity in ('critical', 'warning', 'info')),
    primary key (batch_id, file_no, row_no)
);
comment on table quality.row_verdict is 'Rules that a landed row failed; severity is the highest of them';

create table quality.quarantined_row (
    quarantine_id bigint generated always as identity primary key,
    batch_id bigint not null references ops.batch,
    dataset text not null,
    period text not null,
    file_no integer not null,
    row_no bigint not null,
    payload jsonb not null,
    rules text[] not null,
    reasons text[] not null,
    status text not null default 'open' check (status in ('open', 'fixed', 'released', 'waived', 'rejected')),
    opened_at timestamptz not null default clock_timestamp(),
    unique (batch_id, file_no, row_no)
);
comment on table quality.quarantined_row is 'Rows kept out of the warehouse, with the reasons a clerk understands';
create index quarantined_open on quality.quarantined_row (dataset, period) where status = 'open';
