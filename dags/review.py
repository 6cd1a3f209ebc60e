"""Ask a person what to do with a held batch.

**Purpose**: nothing that was held is published by waiting: somebody reads what is wrong and
decides.

**Inputs**: the review (`review_id`) that an ingest run opened when it held a batch; the ingest run
starts this DAG once for each.

**Outputs**: the decision in `quality.review`, with name and reason; a run of `ingest_<dataset>`
that publishes the batch when it was released. The request stands under *Browse, Required Actions*.

**When it fails**: `preview` may fail: the request is asked without it. `apply` fails when the
decision came too late: somebody else decided, or a later delivery took the batch's place; its log
says which. Nobody answers within EDUPLAN_REVIEW_DAYS: the request expires, the batch stays held;
decide with `eduplan review decide`.
"""

from datetime import timedelta

from airflow.sdk import Param, TriggerRule, dag, task

from eduplan.airflow import review
from eduplan.airflow.notifier import CALLBACKS


@dag(
    dag_id="review_batch",
    dag_display_name="批次审核 review_batch",
    description="held batches wait for a decision",
    schedule=None,
    catchup=False,
    max_active_runs=500,  # each waits for a person, and takes no worker meanwhile
    tags=["quality", "review"],
    default_args={"owner": "eduplan", "retries": 2, "retry_delay": timedelta(seconds=30)},
    params={"review_id": Param(type="integer", minimum=1, description="Id in quality.review")},
    doc_md=__doc__,
    **CALLBACKS,
)
def review_batch():
    """Compute what would move, ask, record the decision, have the batch published."""

    @task(retries=0, execution_timeout=timedelta(hours=1), max_active_tis_per_dag=1)
    def preview(params=None, run_id=None):
        return review.preview(params["review_id"], run_id)

    decide = review.AskOperator(
        task_id="decide",
        review_id="{{ params.review_id }}",
        params=review.FORM,
        retries=0,
        trigger_rule=TriggerRule.NONE_SKIPPED,
    )

    @task
    def apply(answer, params=None):
        return review.apply(params["review_id"], answer)

    preview() >> decide
    review.TriggerDagRunOperator.partial(
        task_id="publish", skip_when_already_exists=True
    ).expand_kwargs(apply(decide.output))


review_batch()
