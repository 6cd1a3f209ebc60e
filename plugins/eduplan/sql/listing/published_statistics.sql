-- Statistics as published by the state, for comparison.
select * from marts.fct_published_statistic order by 1, 2, 3, 4
