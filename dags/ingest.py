"""One ingest DAG for each data contract: ``ingest_<dataset>``.

Adding a contract to ``expectations/`` adds a DAG; nothing here knows a dataset. What a task does
is one call in ``eduplan.airflow.tasks``.
"""

from datetime import timedelta

from airflow.sdk import DAG, Metadata, TriggerRule, dag, get_parsing_context, task

from eduplan.airflow import review, tasks
from eduplan.airflow.assets import published
from eduplan.airflow.notifier import CALLBACKS
from eduplan.airflow.schedules import schedule_of
from eduplan.contract import Contract, load_contract, load_contracts
from eduplan.settings import load_settings

DOC = """### {title} (`{dataset}`)

{description}

**Purpose**: take every new delivery of *{title}* from `{system}`, judge it, publish what passes.

**Inputs**: `{path}` under the source folder ({period_kind}); or the files given as `paths`.

**Outputs**: `raw.{dataset}`, the asset `x-edu://published/{dataset}`, results in `quality`.

**When it fails**: `land` says which file was refused and why; `settle` says which batch is held.
`review_batch` asks what to do with a held batch (*Browse, Required Actions*); or the sender
({steward}) mends the file, sends it again, and this DAG is triggered. A lost connection is retried
by itself.
"""


def ingest(contract: Contract) -> DAG:
    """Return the ingest DAG of one contract."""
    dataset, asset = contract.dataset, published(contract.dataset)
    source = {
        "pool": contract.pool, "retries": 2, "retry_delay": timedelta(seconds=30),
        "execution_timeout": timedelta(hours=6),
    }  # fmt: skip

    @dag(
        dag_id=f"ingest_{dataset}",
        dag_display_name=f"{contract.title_zh} ingest_{dataset}",
        description=contract.title_zh,
        schedule=schedule_of(contract),
        catchup=False,
        max_active_runs=1,
        tags=sorted({"ingest", contract.system, contract.period_kind}),
        default_args={"owner": contract.owner, **source},
        **CALLBACKS,
        doc_md=DOC.format(
            title=contract.title_zh, dataset=dataset, description=contract.description,
            system=contract.system, path=contract.source.path, period_kind=contract.period_kind,
            steward=contract.steward,
        ),
        params=tasks.PARAMS,
    )  # fmt: skip
    def flow() -> None:
        @task
        def land(params=None, dag_run=None):
            return tasks.start(dataset, params, dag_run.triggering_user_name, dag_run.run_id)

        @task
        def audit(landed):
            return tasks.audit(dataset, landed)

        @task(outlets=[asset])
        def publish(landed):
            result = tasks.publish(dataset, landed)
            yield Metadata(asset, extra=result)

        @task(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
        def settle(ti=None):
            tasks.settle(dataset, ti.xcom_pull(task_ids="land"))

        # Only where `settle` failed may anything wait: elsewhere this costs no process.
        @task(trigger_rule=TriggerRule.ONE_FAILED)
        def waiting():
            return review.waiting(dataset)

        @task(trigger_rule=TriggerRule.ONE_FAILED)
        def unsettled():
            tasks.unsettled(dataset)

        landed = land()
        judged, done, end, held = audit(landed), publish(landed), settle(), waiting()
        landed >> judged >> done >> end >> [held, unsettled()]
        landed >> end  # nothing new: all of it is skipped
        review.TriggerDagRunOperator.partial(
            task_id="review", trigger_dag_id="review_batch", skip_when_already_exists=True
        ).expand_kwargs(held)

    return flow()


def contracts() -> list[Contract]:
    """Return all contracts; when a task starts, only the one of its DAG: reading takes time."""
    folder, running = load_settings().expectations_dir, get_parsing_context().dag_id
    if running is not None:
        dataset = running.removeprefix("ingest_")
        return [load_contract(path) for path in folder.rglob(f"{dataset}.odcs.yaml")]
    return list(load_contracts(folder).values())


for _contract in contracts():
    globals()[f"ingest_{_contract.dataset}"] = ingest(_contract)
