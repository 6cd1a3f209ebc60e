-- One change of one alert; open again, it is nobody's any more.
update quality.alert set
    status = %(status)s,
    worsened_at = case %(event)s when 'worsened' then %(now)s else worsened_at end,
    acknowledged_by = case %(event)s
        when 'acknowledged' then %(actor)s when 'worsened' then null when 'woken' then null
        else acknowledged_by
    end,
    snoozed_until = %(until)s,
    closed_at = case when %(status)s in ('recovered', 'resolved') then %(now)s::timestamptz end,
    closed_by = case when %(status)s in ('recovered', 'resolved') then %(actor)s end,
    gone_at = case %(event)s when 'recovered' then %(now)s::timestamptz end
where alert_id = %(alert)s
