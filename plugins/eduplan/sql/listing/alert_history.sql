-- What happened to one alert, and who was told of it when; parameter: id.
select
    to_char(e.happened_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as happened_at,
    e.event, e.severity, e.magnitude, e.actor, e.note,
    string_agg(
        d.channel || ' ' || d.status || coalesce(' ' || to_char(d.sent_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI"Z"'), ''),
        '; ' order by d.delivery_id
    ) as told
from quality.alert_event e
left join quality.alert_delivery d using (event_id)
where e.alert_id = %(id)s
group by e.event_id
order by e.event_id
