"""What the tasks of the DAG review_batch do, and the operators that start DAGs and ask persons."""

import logging
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Context, Param
from airflow.sdk.exceptions import AirflowSkipException

from eduplan.airflow.errors import transient_errors_only
from eduplan.quality.review import DECISIONS
from eduplan.settings import load_settings

log = logging.getLogger(__name__)

__all__ = ["FORM", "AskOperator", "TriggerDagRunOperator", "apply", "preview", "waiting"]

FORM = {"why": Param("", type="string", title="审核理由", maxLength=500)}
"""What a person may write beside the answer."""


def waiting(dataset: str) -> list[dict[str, Any]]:
    """Return, for each held batch nobody is asked about yet, the run of review_batch to start."""
    from eduplan import warehouse
    from eduplan.postgres import ensure_database
    from eduplan.quality import review

    with transient_errors_only(), warehouse.connect(ensure_database(load_settings())) as conn:
        found = review.unasked(conn, dataset)
    return [{"trigger_run_id": f"review_{i}", "conf": {"review_id": i}} for i in found]


def preview(review_id: int, run_id: str) -> int:
    """Compute what each decision would move; return the number of moves.

    Skips, and with it all that follows, when the batch does not wait any more.
    """
    from eduplan import warehouse
    from eduplan.postgres import ensure_database
    from eduplan.quality import review
    from eduplan.quality.preview import moves

    settings = load_settings()
    with transient_errors_only():
        with warehouse.connect(ensure_database(settings)) as conn:
            waits = review.claim(conn, review_id, run_id)
        if not waits:
            raise AirflowSkipException(f"review {review_id}: nothing waits for a decision")
        found = moves(settings, review_id)
    log.info("review %s: %s figures would move", review_id, len(found))
    return len(found)


class AskOperator(HITLOperator):
    """Asks for the decision on a held batch and waits; returns {decision, by, why}.

    The text is composed when it runs, so that it is in no XCom and no rendered field. When nobody
    answers in time the decision is None.
    """

    template_fields = ("review_id",)

    def __init__(self, *, review_id: str, **kwargs: Any) -> None:
        super().__init__(
            subject="等待审核",
            options=list(DECISIONS.values()),
            response_timeout=timedelta(days=load_settings().review_days),
            **kwargs,
        )
        self.review_id = review_id

    def execute(self, context: Context) -> Any:
        """Compose the request and wait for the answer."""
        from eduplan import warehouse
        from eduplan.ingest import contract_of
        from eduplan.postgres import ensure_database
        from eduplan.quality import request, review

        settings, number = load_settings(), int(self.review_id)
        previewed = context["ti"].xcom_pull(task_ids="preview") is not None
        with transient_errors_only(), warehouse.connect(ensure_database(settings)) as conn:
            contract = contract_of(settings, review.find(conn, review_id=number).dataset)
            self.subject = request.subject(conn, contract, number)
            self.body = request.body(conn, contract, number, previewed=previewed)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Take the answer of a person; no answer in time is one too."""
        if event.get("error_type") == "timeout":
            return {"decision": None, "by": None, "why": None}
        answer = super().execute_complete(context, event)
        (chosen,) = answer["chosen_options"]
        user = answer["responded_by_user"] or {}
        return {
            "decision": next(code for code, label in DECISIONS.items() if label == chosen),
            "by": user.get("name") or user.get("id") or "airflow",
            "why": answer["params_input"].get("why") or "",
        }


def apply(review_id: int, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Record the decision; return the ingest runs to start: one to publish a batch, or none."""
    from eduplan import warehouse
    from eduplan.postgres import ensure_database
    from eduplan.quality import review

    with transient_errors_only(), warehouse.connect(ensure_database(load_settings())) as conn:
        if answer["decision"] is None:
            if review.expire(conn, review_id):
                log.warning("review %s: nobody answered, the batch stays held", review_id)
            return []
        done = review.decide(conn, review_id, answer["decision"], answer["by"], answer["why"])
    log.info("batch %s of %s: %s", done.batch_id, done.dataset, done.decision)
    if done.decision == "reject" or done.batch_status != "held":
        return []
    return [
        {
            "trigger_dag_id": f"ingest_{done.dataset}",
            "trigger_run_id": f"review_{review_id}",
            "conf": {"batch": done.batch_id},
        }
    ]
