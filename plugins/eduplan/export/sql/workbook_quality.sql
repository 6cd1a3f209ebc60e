-- Per dataset: the newest period that is due (of the year asked for), what the rules found, and how
-- many rows wait in quarantine.
with

coverage as (
    select distinct on (dataset)
        dataset, dataset_name, period, due_on, units_expected, units_on_time, units_late,
        units_missing, units_pct
    from bi.report_coverage
    where county_code = %(region)s
        and (due_on <= %(day)s or units_on_time > 0)
        and (%(year)s::int is null or left(period, 4) = %(year)s::text)
    order by dataset, period desc
),

rules as (
    select
        dataset,
        count(*)::int as rules,
        (count(*) filter (where pass_pct < 100))::int as rules_failed,
        min(pass_pct) as lowest_pass_pct
    from bi.quality_pass_rate
    where region_code = %(region)s
    group by dataset
),

waiting as (
    select distinct on (dataset) dataset, open_rows
    from bi.quarantine_burndown
    order by dataset, day desc
)

select
    coverage.*, rules.rules, rules.rules_failed, rules.lowest_pass_pct,
    coalesce(waiting.open_rows, 0) as open_rows
from coverage
left join rules using (dataset)
left join waiting using (dataset)
order by coverage.dataset_name collate "C", coverage.dataset
