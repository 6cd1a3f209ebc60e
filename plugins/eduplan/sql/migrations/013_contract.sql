-- The contracts as they were when batches were judged, for listings and quality marts.

create table quality.contract (
    dataset text not null,
    contract_hash text not null,
    version text not null,
    title_zh text not null,
    system text not null,
    owner text not null,
    steward text not null,
    first_seen_at timestamptz not null default clock_timestamp(),
    last_seen_at timestamptz not null default clock_timestamp(),
    primary key (dataset, contract_hash)
);
comment on table quality.contract is 'Every version of a contract that judged a batch';

create table quality.contract_column (
    dataset text not null,
    contract_hash text not null,
    column_name text not null,
    label text not null,
    position integer not null,
    is_required boolean not null,
    personal text,
    primary key (dataset, contract_hash, column_name),
    foreign key (dataset, contract_hash) references quality.contract
);

create table quality.contract_rule (
    dataset text not null,
    contract_hash text not null,
    rule_id text not null,
    level text not null,
    severity text not null,
    dimension text not null,
    sentence_zh text not null,
    fix_zh text not null,
    columns text[] not null,
    is_derived boolean not null,
    definition_hash text not null,
    primary key (dataset, contract_hash, rule_id),
    foreign key (dataset, contract_hash) references quality.contract
);
comment on column quality.contract_rule.definition_hash is 'Changes when what the rule does changes, not when its wording does';
