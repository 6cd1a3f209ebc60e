insert into quality.alert_event (alert_id, event, severity, magnitude, actor, note, happened_at)
values (%(alert)s, %(event)s, %(severity)s, %(magnitude)s, %(actor)s, %(note)s, %(now)s)
