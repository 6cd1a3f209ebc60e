-- Gender parity index of the city, newest period.
select distinct on (indicator_code) indicator_code, period, gpi
from marts.ind_parity
where region_level = 'city' and gpi is not null
order by indicator_code, period_year desc
