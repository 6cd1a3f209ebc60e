-- Open rows at the end of each day with a change, all datasets together. No parameters.
select
    day,
    sum(opened_rows + reopened_rows)::bigint as opened,
    sum(fixed_rows)::bigint as fixed,
    sum(released_rows)::bigint as released,
    sum(waived_rows)::bigint as waived,
    sum(rejected_rows)::bigint as rejected,
    sum(
        sum(
            opened_rows + reopened_rows - fixed_rows - released_rows - waived_rows - rejected_rows
        )
    ) over (order by day)::bigint as open
from marts.qa_quarantine_burndown
group by day
order by day
