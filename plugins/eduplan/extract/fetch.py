"""Bring what a source has to this machine: the one place that knows the kinds of sources."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from eduplan.connections import Resolver
from eduplan.contract import Contract, load_contracts
from eduplan.extract.discover import Delivery, discover
from eduplan.land import known_files
from eduplan.replace import PARTIAL
from eduplan.settings import Settings


def fetch(
    settings: Settings,
    conn: psycopg.Connection[Any],
    contract: Contract,
    paths: Sequence[Path],
    period: str | None,
    resolve: Resolver,
) -> list[Delivery]:
    """Return the deliveries of ``contract``: files named by ``paths``, else what its source has.

    Where a delivery replaces only its schools or keys, files that were read before are left out.

    ``conn`` is the warehouse, where readings of APIs and databases keep their state.
    Raises SourceError when the source cannot be reached or gives less than it announced.
    """
    source = contract.source
    partial = source.kind == "file" and contract.scope in PARTIAL and not paths
    known = known_files(conn, contract) if partial else {}
    if paths or source.connection is None:
        return discover(contract, settings.source_root, paths, period, known)
    connection = resolve(source.connection)
    if source.kind == "file":
        from eduplan.extract.remote import mirror

        copies = settings.mirror_dir / contract.dataset
        mirror(contract, connection, copies, period)
        return discover(contract, copies, (), period, known)
    if source.kind == "api":
        from eduplan.extract import api

        return api.pull(conn, contract, connection, settings.spool_dir)
    from eduplan.extract import database

    group = source.options.get("snapshot_group")
    together = [
        other
        for other in load_contracts(settings.expectations_dir).values()
        if other.dataset == contract.dataset
        or (group is not None and other.source.options.get("snapshot_group") == group)
    ]
    return database.pull(conn, contract, together, connection, settings.spool_dir)
