-- Schema drift is an event with a suggestion; it is accepted by editing the contract.

alter table ops.drift_event
    add column suggestion text not null default '',
    add column related text,
    add column occurrences bigint,
    add column contract_hash text;
comment on table ops.drift_event is 'A delivery that differs from its contract without being refused: a column or a code that is new, missing, renamed or of another type';
comment on column ops.drift_event.kind is 'new_column, missing_column, renamed_column, retyped_column, unknown_code, encoding, total';
comment on column ops.drift_event.related is 'renamed_column: the contract column it seems to be; unknown_code: the code it seems to be';
comment on column ops.drift_event.suggestion is 'What to write into the contract (YAML), if it is right';
