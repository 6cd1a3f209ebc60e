update quality.alert set gone_at = %(now)s where alert_id = %(alert)s
