-- The day each period is due on; {exceptions} stand in place of the contract's days.
select distinct on (w.dataset, w.period)
    w.dataset, w.period,
    case when e.dataset is not null and e.opens_on is null then e.due_on else coalesce(e.due_on, w.due_on) end
from quality.submission_window w
left join {exceptions} e on e.dataset = w.dataset and e.period in (w.period, '*')
order by w.dataset, w.period, e.period desc
