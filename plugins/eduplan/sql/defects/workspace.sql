-- Workspace of one run; gone with its transaction.
create temporary table defect_dataset (
    dataset text primary key,
    owner text not null,
    reporter text  -- column with the code of the sending school, where schools send themselves
) on commit drop;
create temporary table defect_rule (
    dataset text not null,
    rule_id text not null,
    severity text not null,
    columns text[] not null,
    primary key (dataset, rule_id)
) on commit drop;
create temporary table defect_school (
    school_code text primary key,
    school_name text not null
) on commit drop;
-- A row, a line, a file or a whole delivery that failed rules. row_no null: not a single row.
create temporary table accused (
    dataset text not null,
    period text not null,
    path text,
    sheet text not null default '',
    row_no bigint,
    state text not null,
    rules text[] not null,
    reasons text[] not null default '{}',
    payload jsonb not null default '{}'
) on commit drop;
