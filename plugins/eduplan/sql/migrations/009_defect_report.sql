-- Workbooks that tell a sender what to mend.

create table quality.defect_report (
    report_id bigint generated always as identity primary key,
    sender_code text not null,
    sender_name text not null,
    content_hash text not null,
    defect_count integer not null,
    path text not null,
    is_masked boolean not null,
    status text not null default 'written' check (status in ('written', 'sent', 'failed')),
    error text,
    written_at timestamptz not null default clock_timestamp(),
    sent_at timestamptz,
    unique (sender_code, content_hash, is_masked)
);
comment on table quality.defect_report is 'One workbook for one sender; the same defects are not reported twice';
