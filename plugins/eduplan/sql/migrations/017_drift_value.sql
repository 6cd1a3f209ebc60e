alter table ops.drift_event add column value text;
comment on column ops.drift_event.value is 'unknown_code: the value, where it cannot be a person''s; retyped_column: the type it has now';
create index drift_event_batch on ops.drift_event (batch_id);
