"""What OpenLineage is told of a task: datasets it read and wrote, rows, rules that failed.

Loaded by Airflow's OpenLineage provider, and only where a receiver is set (see
`eduplan.lineage.events`). Names of columns and rules, counts and states leave, never a value.
"""

from typing import Any
from urllib.parse import urlsplit

import psycopg
from airflow.providers.openlineage.extractors import OperatorLineage
from airflow.providers.openlineage.extractors.base import BaseExtractor
from openlineage.client.event_v2 import Dataset, InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    data_quality_assertions_dataset,
    documentation_dataset,
    schema_dataset,
    symlinks_dataset,
)
from openlineage.client.generated.output_statistics_output_dataset import (
    OutputStatisticsOutputDatasetFacet,
)
from psycopg.conninfo import conninfo_to_dict

from eduplan.airflow.assets import SCHEME, published
from eduplan.airflow.facts import FACTS
from eduplan.contract import Contract, load_contract
from eduplan.lineage.events import warehouse_namespace
from eduplan.settings import Settings, load_settings

_INGEST = "ingest_"


class TaskExtractor(BaseExtractor):
    """Datasets of the tasks of every DAG here; all of them are ``@task`` functions."""

    @classmethod
    def get_operator_classnames(cls) -> list[str]:
        """Return the operators that this speaks for."""
        return ["_PythonDecoratedOperator"]

    def _execute_extraction(self) -> OperatorLineage:
        return self._lineage({})

    def extract_on_complete(self, task_instance: Any) -> OperatorLineage:
        """Return datasets with what the task has found out about them."""
        return self._lineage(dict(FACTS))

    def _lineage(self, facts: dict[str, Any]) -> OperatorLineage:
        assets = [
            Dataset(namespace=SCHEME, name=_asset_name(outlet.uri))
            for outlet in self.operator.outlets
        ]
        dag_id, task_id = self.operator.dag_id, self.operator.task_id
        if not dag_id.startswith(_INGEST) or task_id not in ("land", "audit", "publish"):
            return OperatorLineage(outputs=assets)
        settings = load_settings()
        contract = _contract(settings, dag_id.removeprefix(_INGEST))
        source = Dataset(
            namespace=f"{SCHEME}://source",
            name=f"{contract.system}/{contract.dataset}",
            facets={"documentation": documentation_dataset.DocumentationDatasetFacet(
                description=contract.title_zh
            )},
        )  # fmt: skip
        if task_id == "land":
            return OperatorLineage(inputs=[source])
        namespace, name, facets = _table(settings, contract)
        if task_id == "audit":
            checked = _assertions(settings, contract, facts.get("batch_ids", []))
            return OperatorLineage(
                inputs=[
                    InputDataset(
                        namespace=namespace,
                        name=name,
                        facets=facets,
                        inputFacets={"dataQualityAssertions": checked} if checked else {},
                    )
                ]
            )
        table = OutputDataset(
            namespace=namespace,
            name=name,
            facets=facets,
            outputFacets={
                "outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=facts["rows"])
            }
            if "rows" in facts
            else {},
        )
        return OperatorLineage(inputs=[source], outputs=[table, *assets])


def _asset_name(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.netloc}{parts.path}"


def _contract(settings: Settings, dataset: str) -> Contract:
    return load_contract(next(settings.expectations_dir.rglob(f"{dataset}.odcs.yaml")))


def _table(settings: Settings, contract: Contract) -> tuple[str, str, dict[str, Any]]:
    """Return namespace, name and facets of ``raw.<dataset>``, named as dbt's events name it."""
    url = settings.database_url or ""
    database = str(conninfo_to_dict(url).get("dbname") or "")
    fields = [
        schema_dataset.SchemaDatasetFacetFields(
            name=column.name, type=column.logical_type, description=column.label
        )
        for column in contract.columns
    ]
    alias = symlinks_dataset.Identifier(
        namespace=SCHEME, name=_asset_name(published(contract.dataset).uri), type="ASSET"
    )
    return (
        warehouse_namespace(url),
        f"{database}.raw.{contract.dataset}",
        {
            "schema": schema_dataset.SchemaDatasetFacet(fields=fields),
            "symlinks": symlinks_dataset.SymlinksDatasetFacet(identifiers=[alias]),
        },
    )


def _assertions(
    settings: Settings, contract: Contract, batch_ids: list[int]
) -> data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet | None:
    """Return which rules these batches met; a rule that no batch could be asked is left out."""
    if not batch_ids or not settings.database_url:
        return None
    with psycopg.connect(settings.database_url, connect_timeout=2) as conn:
        rows = conn.execute(
            "select rule_id, bool_and(status = 'passed'), min(severity) from quality.check_result"
            " where batch_id = any(%s) and status in ('passed', 'failed')"
            " group by 1 order by 1",
            (batch_ids,),
        ).fetchall()
    columns = {rule.id: rule.columns for rule in contract.rules}
    return data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
        assertions=[
            data_quality_assertions_dataset.Assertion(
                assertion=rule,
                success=passed,
                column=columns[rule][0] if len(columns.get(rule, ())) == 1 else None,
                severity="error" if severity == "critical" else "warn",
            )
            for rule, passed, severity in rows
        ]
    )
