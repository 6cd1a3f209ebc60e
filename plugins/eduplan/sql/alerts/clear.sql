delete from quality.alert_signal where dedupe_key = %(key)s
