"""Airflow connections for the core: UI, environment or secrets backend, whatever is set up."""

from airflow.exceptions import AirflowNotFoundException
from airflow.sdk import BaseHook

from eduplan.connections import Connection, variable
from eduplan.errors import SourceError


def from_airflow(conn_id: str) -> Connection:
    """Look ``conn_id`` up in Airflow; raises SourceError when it is not defined."""
    try:
        found = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise SourceError(
            f"connection {conn_id!r} is not defined",
            hint=f"define it in Airflow (Admin, Connections) or set {variable(conn_id)}",
        ) from None
    return Connection(
        conn_id,
        found.conn_type or "",
        found.host or "",
        found.port,
        found.login or "",
        found.password or "",
        found.schema or "",
        found.extra_dejson,
    )
