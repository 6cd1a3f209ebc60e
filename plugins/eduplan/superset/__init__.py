"""Superset, the reference BI tool: its process, its assets as code, who may see what in it."""
