with gone as (
    delete from quality.alert_channel where channel <> all(%(channels)s) returning channel
)
delete from quality.alert_signal
where kind = 'dead_channel' and dedupe_key in (select 'dead_channel:' || channel from gone)
