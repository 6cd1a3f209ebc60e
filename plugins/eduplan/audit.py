"""Audit a landed batch with Great Expectations, inside PostgreSQL.

The batch's rules become one view: a column per row rule, NULL where the row is fine and TRUE
where it violates the rule. Great Expectations judges these columns (`to be null`), which its SQL
engine bundles into a single scan; duplicates and table rules are computed once into small tables
and judged there. Only when a rule failed does one more statement write the rows' verdicts.
No value of a row reaches Great Expectations' results, a check result, a log or a Data Docs page.

This is the only module that imports Great Expectations.
"""

import html
import io
import logging
import os
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from eduplan import rules_sql, warehouse
from eduplan.contract import Contract, Rule
from eduplan.errors import AuditError, EduplanError
from eduplan.quality.hold import hold_reasons

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import great_expectations as gx  # noqa: E402  after the switch above
import great_expectations.expectations as gxe  # noqa: E402
from great_expectations.render.renderer.content_block import (  # noqa: E402
    ValidationResultsTableContentBlockRenderer,
)
from great_expectations.render.view.view import DefaultJinjaComponentView  # noqa: E402

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.expectations.expectation import Expectation

SEVERITIES = ("critical", "warning", "info")
_SEVERITY_ZH = {"critical": "严重", "warning": "警告", "info": "提示"}

# More findings than this say nothing new about a table; the count is then a lower bound.
_MAX_FINDINGS = 10_000

# SQLSTATE classes whose messages quote identifiers and syntax, never a value of a row.
_SPEAKING_CLASSES = ("42", "0A", "3F")


@dataclass(frozen=True)
class Check:
    """Outcome of one rule: ``status`` passed, failed, not_run (``detail`` says why) or error.

    ``failed_count`` counts rows of a row rule and findings of a table rule.
    """

    rule_id: str
    level: str
    severity: str
    dimension: str
    status: str
    failed_count: int | None
    detail: str | None = None


@dataclass(frozen=True)
class AuditResult:
    """Counts of one audited batch; a row counts once, under its highest severity."""

    batch_id: int
    dataset: str
    period: str
    rows: int
    critical_rows: int
    warning_rows: int
    info_rows: int
    held: bool
    hold_reasons: tuple[str, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class _Workspace:
    """Names of an audit's own relations, all in schema ``audit`` and dropped at its end."""

    batch_id: int
    table: sql.Identifier

    @property
    def view(self) -> str:
        return f"b{self.batch_id}"

    @property
    def findings(self) -> str:
        return f"b{self.batch_id}_findings"

    def duplicates(self, place: int) -> str:
        return f"b{self.batch_id}_duplicates_{place}"


def audit(
    url: str,
    contract: Contract,
    batch_id: int,
    docs_dir: Path | None = None,
    docs_runs: int = 3,
) -> AuditResult:
    """Judge every rule of ``contract`` on the landed batch and store the verdicts.

    ``url`` is the libpq URL of the warehouse. A batch may be audited again until it is published;
    then the recorded result is returned. With ``docs_dir`` a Data Docs page of this run is
    written there and those of older batches beyond ``docs_runs`` are removed.

    Raises AuditError, after recording the rule as ``error``, when a rule cannot be evaluated:
    a fault of the rule, never of the data; the batch then stays as it was.
    """
    with warehouse.connect(url) as conn:
        conn.execute(
            "select pg_advisory_lock(hashtextextended(%s, 0))", (f"eduplan.audit.{batch_id}",)
        )
        batch = _batch(conn, contract, batch_id)
        conn.commit()
        if batch["status"] in ("published", "superseded"):
            return _recorded(conn, contract, batch)
        if batch["status"] in ("failed", "rejected"):
            raise EduplanError(
                f"batch {batch_id} of {contract.dataset} is {batch['status']}: nothing to audit"
            )
        space = _Workspace(batch_id, sql.Identifier("raw", f"{contract.dataset}__b{batch_id}"))
        run_id = uuid.uuid4()
        try:
            plan = _prepare(conn, contract, batch, space)
            verdict = _judge(url, contract, space, plan)
            if verdict.errors:
                raise _RuleErrors(_locate_errors(conn, space, plan, verdict.errors))
            result = _record(conn, contract, batch, space, plan, verdict, run_id)
        except _RuleErrors as failure:
            conn.rollback()
            _record_errors(conn, contract, batch, failure.errors, run_id)
            named = "; ".join(f"{rule}: {what}" for rule, what in failure.errors.items())
            raise AuditError(
                f"batch {batch_id} of {contract.dataset} ({batch['period']}): "
                f"{len(failure.errors)} rule(s) could not be evaluated: {named}",
                hint=f"correct the rule in {contract.path} and audit again",
            ) from None
        finally:
            if not conn.broken:  # else the next run clears what is left
                conn.rollback()
                _clear(conn, space)
                conn.commit()
    if docs_dir is not None:
        write_docs(docs_dir, contract, result, verdict.result, docs_runs)
    return result


@dataclass(frozen=True)
class _Plan:
    """What will be judged: ``rows`` are columns of the view, ``tables`` have findings.

    ``not_run`` maps a rule id to the reason why it cannot be judged for this batch.
    """

    rows: tuple[Rule, ...]
    tables: tuple[Rule, ...]
    not_run: Mapping[str, str]
    conditions: Mapping[str, sql.Composable]


@dataclass(frozen=True)
class _Verdict:
    """What Great Expectations said: ids of failed rules and of rules that raised."""

    failed: frozenset[str]
    errors: tuple[str, ...]
    result: "ExpectationSuiteValidationResult | None"


class _RuleErrors(Exception):
    """Rules that could not be evaluated: id -> what PostgreSQL said, free of data values."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__()
        self.errors = errors


def _batch(conn: psycopg.Connection, contract: Contract, batch_id: int) -> dict[str, Any]:
    with conn.cursor(row_factory=dict_row) as cur:
        batch = cur.execute(
            "select batch_id, dataset, period, status, row_count, rejected_count, held_reason"
            " from ops.batch where batch_id = %s",
            (batch_id,),
        ).fetchone()
    if batch is None or batch["dataset"] != contract.dataset:
        raise EduplanError(
            f"dataset {contract.dataset} has no batch {batch_id}", hint="see `eduplan batches`"
        )
    return batch


def _describe(error: psycopg.Error) -> str:
    """Say what went wrong without the value it went wrong on."""
    state = error.sqlstate or ""
    if state[:2] in _SPEAKING_CLASSES:
        return f"{error.diag.message_primary} ({state})"
    return f"{type(error).__name__} ({state})"


# --- prepare: the view and the small tables -------------------------------------------------


def _prepare(
    conn: psycopg.Connection, contract: Contract, batch: Mapping[str, Any], space: _Workspace
) -> _Plan:
    """Create the audit's relations and commit them, so that GX's own connection sees them."""
    _clear(conn, space)
    not_run: dict[str, str] = {}
    errors: dict[str, str] = {}
    conditions: dict[str, sql.Composable] = {}
    rows: list[Rule] = []
    tables: list[Rule] = []
    conn.execute(
        sql.SQL(
            "create unlogged table {} (rule_id text not null, subject text, detail text)"
        ).format(sql.Identifier("audit", space.findings))
    )
    for place, rule in enumerate(contract.rules):
        lookups = rules_sql.resolve(conn, contract, batch["period"], rule)
        if isinstance(lookups, rules_sql.NotRun):
            not_run[rule.id] = lookups.reason
            continue
        if rule.level == "row" and not batch["row_count"]:
            not_run[rule.id] = "本批没有数据行。"
            continue

        def render(text: str, lookups: Mapping[str, rules_sql.Lookup] = lookups) -> sql.Composable:
            return rules_sql.render(text, contract, space.table, batch["period"], lookups)

        try:
            with conn.transaction():
                if rule.query is not None:
                    _find(conn, rule, render(rule.query), space)
                    tables.append(rule)
                    continue
                if rule.unique_columns:
                    where = render(rule.where) if rule.where else sql.SQL("true")
                    condition = _duplicates(conn, rule, where, space, place)
                else:
                    assert rule.predicate is not None  # noqa: S101  one of three, by contract
                    condition = sql.SQL("not ({})").format(render(rule.predicate))
                conditions[rule.id] = condition
                rows.append(rule)
        except psycopg.OperationalError:
            raise  # the server, not the rule: worth another try
        except psycopg.Error as error:
            errors[rule.id] = _describe(error)
    plan = _Plan(tuple(rows), tuple(tables), not_run, conditions)
    try:
        with conn.transaction():
            conn.execute(_view(space, plan))
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        errors |= _locate_errors(conn, space, plan, [rule.id for rule in rows], _describe(error))
    if errors:
        raise _RuleErrors(errors)
    conn.commit()
    return plan


def _view(space: _Workspace, plan: _Plan) -> sql.Composed:
    """A column per row rule: TRUE where the row violates it, NULL where it is fine."""
    columns: list[sql.Composable] = [sql.SQL("_file"), sql.SQL("_row")]
    columns += [
        sql.SQL("case when {} then true end as {}").format(
            plan.conditions[rule.id], sql.Identifier(rule.id)
        )
        for rule in plan.rows
    ]
    return sql.SQL("create view {} as select {} from {}").format(
        sql.Identifier("audit", space.view), sql.SQL(", ").join(columns), space.table
    )


def _find(conn: psycopg.Connection, rule: Rule, query: sql.Composable, space: _Workspace) -> None:
    conn.execute(
        sql.SQL(
            "insert into {} select {}, f.subject::text, f.detail::text"
            " from ({}) as f (subject, detail) limit {}"
        ).format(
            sql.Identifier("audit", space.findings),
            sql.Literal(rule.id),
            query,
            sql.Literal(_MAX_FINDINGS),
        )
    )


def _duplicates(
    conn: psycopg.Connection, rule: Rule, where: sql.Composable, space: _Workspace, place: int
) -> sql.Composable:
    """Collect the tuples that occur more than once; return the condition that accuses their rows.

    Counting once here and probing a mostly empty hash in the view spares the window over the
    whole batch that a uniqueness expectation of GX would run, twice.
    """
    name = sql.Identifier("audit", space.duplicates(place))
    columns = sql.SQL(", ").join(sql.Identifier(column) for column in rule.unique_columns)
    conn.execute(
        sql.SQL(
            "create unlogged table {} as select {} from {} where {} group by {} having count(*) > 1"
        ).format(name, columns, space.table, where, columns)
    )
    return sql.SQL("({}) in (select {} from {}) and ({})").format(columns, columns, name, where)


def _locate_errors(
    conn: psycopg.Connection,
    space: _Workspace,
    plan: _Plan,
    suspects: Sequence[str],
    otherwise: str = "Great Expectations could not evaluate it",
) -> dict[str, str]:
    """Evaluate the suspects one by one to tell the faulty rules from those bundled with them."""
    found: dict[str, str] = {}
    for rule_id in suspects:
        if rule_id not in plan.conditions:
            continue
        try:
            with conn.transaction():
                conn.execute(
                    sql.SQL("select count(*) from {} where {}").format(
                        space.table, plan.conditions[rule_id]
                    )
                )
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            found[rule_id] = _describe(error)
    return found or dict.fromkeys(suspects, otherwise)


def _clear(conn: psycopg.Connection, space: _Workspace) -> None:
    """Drop the audit's relations, also those an earlier, killed run left behind."""
    left = conn.execute(
        "select relname, relkind = 'v' from pg_class"
        " where relnamespace = 'audit'::regnamespace and relkind in ('r', 'v')"
        " and relname ~ %s order by relkind = 'v' desc",
        (f"^b{space.batch_id}(_.*)?$",),
    ).fetchall()
    for name, is_view in left:
        conn.execute(
            sql.SQL("drop {} {}").format(
                sql.SQL("view" if is_view else "table"), sql.Identifier("audit", name)
            )
        )


# --- judge: Great Expectations ---------------------------------------------------------------


def _expectation(rule: Rule, contract: Contract, space: _Workspace) -> "Expectation":
    labels = {column.name: column.label for column in contract.columns}
    about: dict[str, Any] = {
        "severity": rule.severity,
        "description": f"{rule.id}〔{_SEVERITY_ZH[rule.severity]}〕{rule.sentence_zh}",
        "notes": [text for text in (rule.sentence_en, rule.fix_zh) if text],
        "meta": {
            "rule_id": rule.id,
            "dimension": rule.dimension,
            "columns": [f"{labels.get(name, name)} ({name})" for name in rule.columns],
        },
    }
    if rule.level == "row":
        return gxe.ExpectColumnValuesToBeNull(column=rule.id, **about)
    query = f"select subject, detail from audit.{space.findings} where rule_id = '{rule.id}'"  # noqa: S608  ids of a checked contract
    return gxe.UnexpectedRowsExpectation(unexpected_rows_query=query, **about)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep GX's progress, prints, warnings and SQL errors (which quote values) out of every log."""
    loggers = [logging.getLogger(name) for name in ("great_expectations", "sqlalchemy")]
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.handlers, logger.propagate = [logging.NullHandler()], False
        try:
            yield
        finally:
            for logger, (handlers, propagate) in zip(loggers, before, strict=True):
                logger.handlers, logger.propagate = handlers, propagate


def _judge(url: str, contract: Contract, space: _Workspace, plan: _Plan) -> _Verdict:
    """Let GX validate the suite against the view; read exceptions as errors, not as bad data."""
    rules = [*plan.rows, *plan.tables]
    if not rules:
        return _Verdict(frozenset(), (), None)
    with _quiet():
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        source = context.data_sources.add_postgres(
            "warehouse", connection_string=warehouse.sqlalchemy_url(url)
        )
        try:
            asset = source.add_table_asset(
                contract.dataset, table_name=space.view, schema_name="audit"
            )
            suite = gx.ExpectationSuite(
                name=contract.dataset,
                expectations=[_expectation(rule, contract, space) for rule in rules],
            )
            definition = gx.ValidationDefinition(
                name=f"{contract.dataset} b{space.batch_id}",
                data=asset.add_batch_definition_whole_table("batch"),
                suite=context.suites.add(suite),
            )
            result = definition.run(result_format="BOOLEAN_ONLY")
        finally:
            source.get_engine().dispose()
    failed, errors = set(), []
    for outcome in result.results:
        rule_id = outcome.expectation_config.meta["rule_id"]
        if _raised(outcome.exception_info):
            errors.append(rule_id)
        elif not outcome.success:
            failed.add(rule_id)
    judged = {outcome.expectation_config.meta["rule_id"] for outcome in result.results}
    errors += [rule.id for rule in rules if rule.id not in judged]
    return _Verdict(frozenset(failed), tuple(errors), result)


def _raised(info: Mapping[str, Any] | None) -> bool:
    """Tell whether ``exception_info`` (flat, or one entry per metric) holds an exception."""
    if not info:
        return False
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(_raised(entry) for entry in info.values() if isinstance(entry, Mapping))


# --- record: verdicts, counts, status --------------------------------------------------------


def _write_verdicts(
    conn: psycopg.Connection, space: _Workspace, rules: Sequence[Rule]
) -> dict[str, int]:
    """Replace the batch's row verdicts; return the number of rows per failed rule."""
    conn.execute("delete from quality.row_verdict where batch_id = %s", (space.batch_id,))
    if not rules:
        return {}
    names = [sql.Identifier(rule.id) for rule in rules]
    marks = sql.SQL(", ").join(
        sql.SQL("case when {} then {} end").format(name, sql.Literal(rule.id))
        for name, rule in zip(names, rules, strict=True)
    )
    ranks = sql.SQL(" ").join(
        sql.SQL("when coalesce({}) then {}").format(
            sql.SQL(", ").join(sql.Identifier(rule.id) for rule in rules if rule.severity == rank),
            sql.Literal(rank),
        )
        for rank in SEVERITIES
        if any(rule.severity == rank for rule in rules)
    )
    # CREATE TABLE AS may scan in parallel, INSERT … SELECT never does.
    conn.execute(
        sql.SQL(
            "create temporary table verdict on commit drop as"
            " select _file, _row, array_remove(array[{}], null) as rules,"
            " case {} end as severity from {} where coalesce({})"
        ).format(marks, ranks, sql.Identifier("audit", space.view), sql.SQL(", ").join(names))
    )
    conn.execute(
        "insert into quality.row_verdict (batch_id, file_no, row_no, rules, severity)"
        " select %s, _file, _row, rules, severity from verdict",
        (space.batch_id,),
    )
    counted = conn.execute(
        "select rule_id, count(*) from verdict, unnest(rules) as r (rule_id) group by rule_id"
    )
    return dict(counted.fetchall())


def _record(
    conn: psycopg.Connection,
    contract: Contract,
    batch: Mapping[str, Any],
    space: _Workspace,
    plan: _Plan,
    verdict: _Verdict,
    run_id: uuid.UUID,
) -> AuditResult:
    """Write verdicts, check results and the batch's state in one transaction."""
    status = conn.execute(
        "select status from ops.batch where batch_id = %s for update", (space.batch_id,)
    ).fetchone()
    if status is None or status[0] != batch["status"]:
        raise AuditError(
            f"batch {space.batch_id} of {contract.dataset} changed from {batch['status']} while it"
            " was audited",
            hint="let one process work on a batch at a time",
        )
    failed_rows = [rule for rule in plan.rows if rule.id in verdict.failed]
    try:
        counts = _write_verdicts(conn, space, failed_rows)
    except psycopg.errors.DataError as error:
        raise _RuleErrors({rule.id: _describe(error) for rule in failed_rows}) from None
    expected = {rule.id for rule in failed_rows}
    if set(counts) != expected:
        raise AuditError(
            f"batch {space.batch_id} of {contract.dataset}: Great Expectations failed"
            f" {len(expected)} row rules, but {len(counts)} have verdicts;"
            f" they differ in {', '.join(sorted(expected ^ set(counts)))}",
            hint="a predicate is not stable: the same row must always be judged alike",
        )
    findings = {
        rule_id: (count, detail)
        for rule_id, count, detail in conn.execute(
            sql.SQL(
                "select rule_id, count(*), (array_agg(concat_ws('：', subject, detail)))[1:3]"
                " from {} group by rule_id"
            ).format(sql.Identifier("audit", space.findings))
        )
    }
    found = {rule.id for rule in plan.tables if rule.id in verdict.failed}
    if set(findings) != found:
        raise AuditError(
            f"batch {space.batch_id} of {contract.dataset}: findings and Great Expectations"
            f" disagree on {', '.join(sorted(found ^ set(findings)))}"
        )
    checks = []
    for rule in contract.rules:
        count, detail = counts.get(rule.id, 0), None
        if rule.id in plan.not_run:
            state, detail = "not_run", plan.not_run[rule.id]
        else:
            state = "failed" if rule.id in verdict.failed else "passed"
            if rule.id in findings:
                count, samples = findings[rule.id]
                detail = "；".join(samples) + ("…" if count > len(samples) else "")
        checks.append(
            Check(
                rule.id, rule.level, rule.severity, rule.dimension, state,
                None if state == "not_run" else count, detail,
            )
        )  # fmt: skip
    _insert_checks(conn, batch, run_id, checks)
    rows = dict.fromkeys(SEVERITIES, 0)
    rows |= dict(
        conn.execute(
            "select severity, count(*) from quality.row_verdict where batch_id = %s group by 1",
            (space.batch_id,),
        ).fetchall()
    )
    reasons = hold_reasons(conn, contract, dict(batch), rows["critical"])
    conn.execute(
        "update ops.batch set status = 'audited', audited_at = clock_timestamp(),"
        " warning_count = %s, held_reason = %s where batch_id = %s",
        (rows["warning"], "；".join(reasons) or None, space.batch_id),
    )
    _clear(conn, space)
    conn.commit()
    return AuditResult(
        space.batch_id, contract.dataset, batch["period"], batch["row_count"],
        rows["critical"], rows["warning"], rows["info"], bool(reasons), reasons, tuple(checks),
    )  # fmt: skip


def _insert_checks(
    conn: psycopg.Connection, batch: Mapping[str, Any], run_id: uuid.UUID, checks: Sequence[Check]
) -> None:
    with conn.cursor() as cur:
        cur.executemany(
            "insert into quality.check_result (run_id, batch_id, dataset, period, rule_id, level,"
            " severity, dimension, status, checked_count, failed_count, detail)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    run_id, batch["batch_id"], batch["dataset"], batch["period"], check.rule_id,
                    check.level, check.severity, check.dimension, check.status,
                    batch["row_count"] if check.status in ("passed", "failed") else None,
                    check.failed_count, check.detail,
                )
                for check in checks
            ],
        )  # fmt: skip


def _record_errors(
    conn: psycopg.Connection,
    contract: Contract,
    batch: Mapping[str, Any],
    errors: Mapping[str, str],
    run_id: uuid.UUID,
) -> None:
    checks = [
        Check(rule.id, rule.level, rule.severity, rule.dimension, "error", None, errors[rule.id])
        if rule.id in errors
        else Check(
            rule.id, rule.level, rule.severity, rule.dimension, "not_run", None,
            "同批另有规则无法执行，本次检查中止",
        )
        for rule in contract.rules
    ]  # fmt: skip
    _insert_checks(conn, batch, run_id, checks)
    conn.commit()


def _recorded(
    conn: psycopg.Connection, contract: Contract, batch: Mapping[str, Any]
) -> AuditResult:
    """Return the latest recorded audit of a batch that has left the audit for good."""
    checks = tuple(
        Check(*row)
        for row in conn.execute(
            "select rule_id, level, severity, dimension, status, failed_count, detail"
            " from quality.check_result where batch_id = %(b)s and run_id = (select run_id from"
            " quality.check_result where batch_id = %(b)s and level <> 'file'"
            " order by result_id desc limit 1) order by result_id",
            {"b": batch["batch_id"]},
        )
    )
    rows = dict.fromkeys(SEVERITIES, 0)
    rows |= dict(
        conn.execute(
            "select severity, count(*) from quality.row_verdict where batch_id = %s group by 1",
            (batch["batch_id"],),
        ).fetchall()
    )
    return AuditResult(
        batch["batch_id"], contract.dataset, batch["period"], batch["row_count"],
        rows["critical"], rows["warning"], rows["info"], False, (), checks,
    )  # fmt: skip


# --- Data Docs -------------------------------------------------------------------------------

_PAGE = """<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="UTF-8"><title>{title}</title><style>
body{{font:15px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:2rem auto;
max-width:64rem;padding:0 1rem;color:#1c1e21}} h1{{font-size:1.5rem}} h2{{font-size:1.1rem}}
table{{border-collapse:collapse;width:100%}} td,th{{border:1px solid #d8dbdf;padding:.35rem .6rem;
text-align:left;vertical-align:top}} td:first-child{{white-space:nowrap}}
.text-success::before{{content:"✔ 通过";color:#1a7f37}}
.text-danger.fas::before{{content:"✘ 未通过";color:#b3261e}}
</style></head><body><h1>{title}</h1><p>{summary}</p>{body}
<p><a href="../index.html">全部检查结果</a> · Great Expectations {version} Data Docs</p>
</body></html>
"""


def write_docs(
    folder: Path,
    contract: Contract,
    result: AuditResult,
    validation: "ExpectationSuiteValidationResult | None",
    keep: int,
) -> Path:
    """Write the Data Docs page of one audit; return its path.

    Pages are ``<folder>/<dataset>/b<batch_id>.html``; of each dataset the ``keep`` latest batches
    stay. The page shows rule ids, sentences and counts; there is no row value in it.
    """
    counts = {check.rule_id: check.failed_count or 0 for check in result.checks}
    outcomes = list(validation.results) if validation is not None else []
    for outcome in outcomes:
        outcome.result = {}  # BOOLEAN_ONLY left nothing in it; it must stay so
    outcomes.sort(
        key=lambda o: (o.success, SEVERITIES.index(o.expectation_config.severity or SEVERITIES[0]))
    )
    body = _rules_table(outcomes, counts) if outcomes else ""
    not_run = "".join(
        f"<tr><td>{html.escape(check.rule_id)}</td><td>{html.escape(check.detail or '')}</td></tr>"
        for check in result.checks
        if check.status == "not_run"
    )
    if not_run:
        body += f"<h2>未执行的规则</h2><table>{not_run}</table>"
    summary = (
        f"共 {result.rows} 行：严重 {result.critical_rows} 行，警告 {result.warning_rows} 行，"
        f"提示 {result.info_rows} 行。" + "".join(f"待人工处理：{r}。" for r in result.hold_reasons)
    )
    page = folder / contract.dataset / f"b{result.batch_id}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    temporary = page.with_suffix(".tmp")
    temporary.write_text(
        _PAGE.format(
            title=html.escape(f"{contract.title_zh} {result.period} · batch {result.batch_id}"),
            summary=html.escape(summary),
            body=body,
            version=gx.__version__,
        ),
        encoding="utf-8",
    )
    temporary.replace(page)
    pages = sorted(page.parent.glob("b*.html"), key=lambda path: int(path.stem[1:]))
    for old in pages[:-keep]:
        old.unlink()
    return page


def _rules_table(outcomes: Sequence[Any], counts: Mapping[str, int]) -> str:
    """Render the results with GX's own renderer and view, in one table.

    GX's page around it would load scripts and styles from elsewhere: it must work offline, and
    call nobody. The observed value GX would show (`100% null`) gives way to the rule's count.
    """
    with _quiet():
        block = ValidationResultsTableContentBlockRenderer.render(outcomes).to_json_dict()
        block["header_row"] = ["状态", "规则", "违反"]
        for row, outcome in zip(block["table"], outcomes, strict=True):
            row[-1] = f"{counts[outcome.expectation_config.meta['rule_id']]:,}"
        rendered = DefaultJinjaComponentView().render(
            {
                "content_block": block,
                "section_loop": {"index": 1},
                "content_block_loop": {"index": 1},
            }
        )
    return str(rendered)
