-- A delivery of some schools or keys may be sent again after another one replaced it in part: the
-- same bytes are alive once only where a delivery replaces everything. Landing tells the others.
drop index ops.batch_alive;
create unique index batch_alive on ops.batch (dataset, period, content_hash)
    where status in ('landed', 'audited', 'published', 'held') and scope in ('period', 'full');
create index batch_content on ops.batch (dataset, period, content_hash);
create index batch_file_path on ops.batch_file (path);
