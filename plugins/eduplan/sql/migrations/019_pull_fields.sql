-- What a reading of an API or a database noticed about its fields: names only.

alter table ops.pull
    add column unknown_fields text[] not null default '{}',
    add column absent_fields text[] not null default '{}';
comment on column ops.pull.unknown_fields is 'Fields (JSON paths, columns) of the source that the contract does not know; at most 50, made harmless';
comment on column ops.pull.absent_fields is 'Optional columns of the contract that no record read so far has';
