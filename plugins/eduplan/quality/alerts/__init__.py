"""Alerts: conditions somebody must know of, told when their state changes and not again."""
