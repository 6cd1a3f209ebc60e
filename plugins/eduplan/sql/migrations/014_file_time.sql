-- When a file was saved by its sender, as the place it lay in told.
alter table ops.batch_file add column modified_at timestamptz;
comment on column ops.batch_file.modified_at is 'Time of last change of the file; null: not known, or written here from a reading';
