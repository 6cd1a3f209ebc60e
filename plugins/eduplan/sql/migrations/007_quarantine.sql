-- Life of a quarantined row: open → fixed | released | waived | rejected; a decision may be taken
-- back to open. The row's record keeps its identity through replays; its history is append-only.

create function ops.refuse_change() returns trigger
language plpgsql
as $$
begin
    raise exception 'table %.% is append-only', tg_table_schema, tg_table_name
        using errcode = 'restrict_violation';
end
$$;

alter table quality.quarantined_row
    add column decided_by text,
    add column decided_at timestamptz,
    add column decided_why text,
    add column edited jsonb;
comment on column quality.quarantined_row.payload is 'The row as delivered: column -> text; {"_line": text} for a line that could not be split';
comment on column quality.quarantined_row.edited is 'Columns corrected by a steward: column -> text; null when none. A replay lays them over the payload';
comment on column quality.quarantined_row.batch_id is 'Batch in whose audit the row was accused last: a replay that does not help moves it on';

create table quality.quarantine_event (
    event_id bigint generated always as identity primary key,
    quarantine_id bigint not null references quality.quarantined_row,
    action text not null check (action in ('edited', 'replayed', 'fixed', 'released', 'waived', 'rejected', 'reopened')),
    from_status text not null,
    to_status text not null,
    actor text not null,
    reason text not null default '',
    batch_id bigint not null references ops.batch,
    before jsonb,
    after jsonb,
    happened_at timestamptz not null default clock_timestamp()
);
comment on table quality.quarantine_event is 'Append-only: what was done to a quarantined row, by whom and why';
comment on column quality.quarantine_event.batch_id is 'Batch the row stood in, or the one that answered it';
comment on column quality.quarantine_event.before is 'edited: the changed columns as they were';
create index quarantine_event_row on quality.quarantine_event (quarantine_id);
create trigger append_only before update or delete on quality.quarantine_event
    for each row execute function ops.refuse_change();
create trigger append_only_all before truncate on quality.quarantine_event
    for each statement execute function ops.refuse_change();

-- A replay is a batch of the rows that stand and the rows in quarantine, judged again. It is as old
-- as its delivery: what was delivered after that goes before it, whatever the numbers of batches.
alter table ops.batch
    add column replay_of bigint references ops.batch,
    add column replay_by text,
    add column replay_why text;
comment on column ops.batch.replay_of is 'Delivery whose rows are judged again without its file being sent again; replays of a replay name the delivery too';
drop index ops.batch_alive;
create unique index batch_alive on ops.batch (dataset, period, content_hash)
    where status in ('landed', 'audited', 'published', 'held') and scope in ('period', 'full') and replay_of is null;
create unique index batch_replay on ops.batch (replay_of) where status in ('landed', 'audited', 'held');
create index batch_replay_of on ops.batch (replay_of) where replay_of is not null;
