-- Where the rows stand that failed a rule, counted while the batch's own table has them all.

create table quality.county_result (
    batch_id bigint not null references ops.batch,
    county_code text not null,
    rule_id text not null,
    failed_count bigint not null check (failed_count > 0),
    primary key (batch_id, county_code, rule_id)
);
comment on table quality.county_result is 'Rows of a batch that failed a rule, by the county of the school they name; counties without a failure have none';
