update quality.alert_delivery
set status = 'sent', sent_at = %(now)s, error = null
where delivery_id = any(%(deliveries)s)
