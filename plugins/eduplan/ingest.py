"""Land, audit and publish: what a DAG task and ``eduplan ingest`` call, one function a step.

Every function may be killed at any moment and called again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eduplan import connections, warehouse
from eduplan.contract import Contract, load_contract, load_contracts
from eduplan.errors import ContractError
from eduplan.postgres import ensure_database
from eduplan.publish import PublishResult, publish
from eduplan.quality import counties, drift, profile, registry
from eduplan.settings import Settings

if TYPE_CHECKING:  # land and audit are imported where they run: audit's import takes seconds
    from eduplan.audit import AuditResult
    from eduplan.land import LandResult


@dataclass(frozen=True)
class IngestReport:
    """What one call of `ingest` did, delivery by delivery, in the order of periods."""

    dataset: str
    landed: tuple["LandResult", ...]
    audited: tuple["AuditResult", ...]
    published: tuple[PublishResult, ...]

    @property
    def failed(self) -> tuple["LandResult", ...]:
        """Deliveries that could not be landed; the others went on without them."""
        return tuple(result for result in self.landed if result.outcome == "failed")

    @property
    def held(self) -> tuple[PublishResult, ...]:
        """Batches that wait for a person."""
        return tuple(result for result in self.published if result.outcome == "held")

    @property
    def ok(self) -> bool:
        """Whether nothing failed and nothing waits."""
        return not self.failed and not self.held


def contract_of(settings: Settings, dataset: str) -> Contract:
    """Return the contract of ``dataset``; ContractError names the datasets there are."""
    found = list(settings.expectations_dir.rglob(f"{dataset}.odcs.yaml"))
    if len(found) == 1:
        contract = load_contract(found[0])
        if contract.dataset == dataset:
            return contract
    contracts = load_contracts(settings.expectations_dir)
    if dataset not in contracts:
        raise ContractError(
            f"no contract for dataset {dataset!r}; there are: {', '.join(sorted(contracts))}",
            hint="`eduplan contracts check` lists the contracts it reads",
        )
    return contracts[dataset]


def land_all(
    settings: Settings,
    dataset: str,
    paths: Iterable[Path] = (),
    period: str | None = None,
    resolve: connections.Resolver = connections.from_environment,
) -> list["LandResult"]:
    """Land every delivery of ``dataset`` found (or those at ``paths``), earliest period first.

    Without ``paths``, what a killed run left unpublished is among the results (``resumed``).
    A delivery that cannot be landed is a result with outcome ``failed``, not an exception.
    Raises SourceError when the source cannot be reached; ``resolve`` finds its connection.
    """
    from eduplan.extract.fetch import fetch
    from eduplan.land import land, unfinished

    contract, named = contract_of(settings, dataset), tuple(paths)
    with warehouse.connect(ensure_database(settings)) as conn:
        deliveries = fetch(settings, conn, contract, named, period, resolve)
        results = [
            land(conn, contract, delivery, settings.archive_dir)
            for delivery in sorted(deliveries, key=lambda d: d.period)
        ]
        done = {result.batch_id for result in results}
        if not named:
            left = unfinished(conn, contract, period)
            results += [result for result in left if result.batch_id not in done]
        return sorted(results, key=lambda result: (result.period, result.batch_id or 0))


def audit_all(settings: Settings, dataset: str, batch_ids: Sequence[int]) -> list["AuditResult"]:
    """Audit the batches, earliest period first, so that each can be compared with the one before.

    Results come in the order of ``batch_ids``. Raises AuditError at the first batch whose rules
    cannot be evaluated.
    """
    from eduplan.audit import audit

    contract = contract_of(settings, dataset)
    url = ensure_database(settings)
    ordered = _by_period(url, batch_ids)
    shown = set(ordered[-settings.docs_runs :])  # pages of the others would be removed at once
    results = {}
    with warehouse.connect(url) as conn:
        registry.record(conn, contract)
        conn.commit()
        for batch_id in ordered:
            results[batch_id] = audit(
                url,
                contract,
                batch_id,
                settings.docs_dir if batch_id in shown else None,
                settings.docs_runs,
            )
            for observe in (profile.observe, counties.observe, drift.observe):
                with conn.transaction():
                    observe(conn, contract, batch_id)
    return [results[batch_id] for batch_id in batch_ids]


def publish_all(settings: Settings, dataset: str, batch_ids: Sequence[int]) -> list[PublishResult]:
    """Publish or hold each audited batch, earliest period first; one transaction a batch.

    Results come in the order of ``batch_ids``.
    """
    contract = contract_of(settings, dataset)
    url = ensure_database(settings)
    with warehouse.connect(url) as conn:
        results = {
            batch_id: publish(conn, contract, batch_id) for batch_id in _by_period(url, batch_ids)
        }
    return [results[batch_id] for batch_id in batch_ids]


def ingest(
    settings: Settings,
    dataset: str,
    paths: Iterable[Path] = (),
    period: str | None = None,
    resolve: connections.Resolver = connections.from_environment,
) -> IngestReport:
    """Land, audit and publish the deliveries of ``dataset``; the same steps as its DAG.

    Batches landed earlier and not yet published (a run was killed) are resumed.
    """
    landed = land_all(settings, dataset, paths, period, resolve)
    pending = [
        result.batch_id
        for result in landed
        if result.outcome in ("landed", "resumed") and result.batch_id is not None
    ]
    if not pending:
        return IngestReport(dataset, tuple(landed), (), ())
    audited = audit_all(settings, dataset, pending)
    published = publish_all(settings, dataset, pending)
    return IngestReport(dataset, tuple(landed), tuple(audited), tuple(published))


def replay_all(
    settings: Settings,
    dataset: str,
    period: str | None = None,
    ids: Sequence[int] | None = None,
    actor: str = "eduplan",
    why: str = "",
) -> IngestReport:
    """Judge published and quarantined rows again and publish what passes; see `eduplan.replay`.

    Killed anywhere, the next `ingest` or `replay_all` of the dataset goes on.
    """
    from eduplan.replay import replay

    contract = contract_of(settings, dataset)
    with warehouse.connect(ensure_database(settings)) as conn:
        landed = replay(conn, contract, period, ids, actor, why)
    pending = [result.batch_id for result in landed if result.batch_id is not None]
    if not pending:
        return IngestReport(dataset, tuple(landed), (), ())
    audited = audit_all(settings, dataset, pending)
    published = publish_all(settings, dataset, pending)
    return IngestReport(dataset, tuple(landed), tuple(audited), tuple(published))


def _by_period(url: str, batch_ids: Sequence[int]) -> list[int]:
    """Return the batches in the order of their periods; unknown ids come last."""
    with warehouse.connect(url) as conn:
        known: dict[int, str] = dict(
            conn.execute(
                "select batch_id, period from ops.batch where batch_id = any(%s)",
                (list(batch_ids),),
            ).fetchall()
        )
    return sorted(set(batch_ids), key=lambda i: (i not in known, known.get(i, ""), i))
