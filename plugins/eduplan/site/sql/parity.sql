-- Gender parity of the city, newest first.
select indicator_code, period, female_value, male_value, gpi, is_parity
from marts.ind_parity
where region_level = 'city' and gpi is not null
order by indicator_code, period_year desc
