-- How near an indicator is to the international one of the same subject.
select indicator_code, statistic, international_indicator, match_status, note
from ref.intl_match
order by indicator_code, statistic desc, international_indicator
