-- Which run of Airflow handled which batch; a batch may be handled by several (held, then released).

create table ops.batch_run (
    dag_id text not null,
    run_id text not null,
    batch_id bigint not null references ops.batch,
    handled_at timestamptz not null default clock_timestamp(),
    primary key (dag_id, run_id, batch_id)
);
comment on table ops.batch_run is 'Batches that a DAG run landed, found unchanged, saw refused, or took up again';
create index batch_run_batch on ops.batch_run (batch_id);
