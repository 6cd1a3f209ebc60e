insert into quality.alert_delivery (event_id, route, channel, digest_of, status, due_at)
select %(event_id)s, %(route)s, %(channel)s, %(digest_of)s, %(status)s, %(due_at)s
where not exists (
    select from quality.alert_delivery
    where event_id = %(event_id)s and channel = %(channel)s
)
