-- What a sender was told last, so that the same mistakes made again are told again.
alter table quality.defect_report add column superseded_at timestamptz;
comment on column quality.defect_report.superseded_at is 'When the sender''s defects had changed or were gone; null: the report stands';
alter table quality.defect_report drop constraint defect_report_sender_code_content_hash_is_masked_key;
create unique index defect_report_current on quality.defect_report (sender_code, is_masked) where superseded_at is null;
