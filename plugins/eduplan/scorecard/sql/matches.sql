-- How near an indicator is to the international one.
select indicator_code, international_indicator, match_status from ref.intl_match
where statistic = 'value'
