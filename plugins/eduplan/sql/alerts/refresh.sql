update quality.alert set
    severity = %(severity)s, title = %(title)s, detail = %(detail)s, what_to_do = %(what_to_do)s,
    owner = %(owner)s, dataset = %(dataset)s, period = %(period)s, region_code = %(region)s,
    indicator_codes = %(indicators)s, magnitude = %(magnitude)s, last_seen_at = %(now)s
where alert_id = %(alert)s
