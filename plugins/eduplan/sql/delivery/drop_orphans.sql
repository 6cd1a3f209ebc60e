update quality.alert_delivery
set status = 'failed', error = 'the channel left alerts.yaml; the routes of today were asked'
where status = 'pending' and channel <> all(%(channels)s)
