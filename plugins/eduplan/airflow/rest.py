"""A small client of Airflow's REST API, for following runs from the outside."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from eduplan.errors import PlatformError

FINAL = ("success", "failed")


@dataclass(frozen=True)
class Login:
    """Where Airflow is and how to get in; the password is in ``password_file`` (mode 0600)."""

    url: str
    user: str
    password: str
    password_file: Path


@dataclass(frozen=True)
class TaskState:
    """One task of a run."""

    task_id: str
    state: str | None
    try_number: int


class AirflowApi:
    """REST calls with a token that is fetched at first use and renewed when it expires."""

    def __init__(self, login: Login) -> None:
        self.login = login
        self._client = httpx.Client(base_url=login.url, timeout=60, trust_env=False)
        self._token = ""

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _authenticate(self) -> None:
        answer = self._client.post(
            "/auth/token", json={"username": self.login.user, "password": self.login.password}
        )
        if answer.status_code not in (200, 201):
            raise PlatformError(
                f"Airflow at {self.login.url} refused the login ({answer.status_code})",
                hint=f"is it another Airflow? The login is in {self.login.password_file}",
            )
        self._token = answer.json()["access_token"]

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        """Call ``/api/v2/<path>``; return the JSON answer, None for 404.

        A connection that breaks is tried again for a minute: the api-server may be busy.
        """
        deadline = time.monotonic() + 60
        while True:
            try:
                if not self._token:
                    self._authenticate()
                answer = self._client.request(
                    method,
                    f"/api/v2/{path}",
                    headers={"Authorization": f"Bearer {self._token}"},
                    **kwargs,
                )
            except httpx.TransportError as error:
                if time.monotonic() > deadline:
                    raise PlatformError(
                        f"Airflow at {self.login.url} does not answer: {error}",
                        hint="`eduplan status` shows its processes and logs",
                    ) from error
                time.sleep(1)
                continue
            if answer.status_code == 401 and time.monotonic() < deadline:
                self._token = ""
                continue
            if answer.status_code >= 500 and method == "GET" and time.monotonic() < deadline:
                time.sleep(1)
                continue
            if answer.status_code == 404:
                return None
            if answer.status_code >= 400:
                raise PlatformError(
                    f"Airflow answered {answer.status_code} to {method} {path}:"
                    f" {answer.text[:300]}",
                    hint="see logs/airflow-api-server.log in the eduplan home",
                )
            return answer.json() if answer.content else {}

    def dag_ids(self) -> set[str]:
        """Return the ids of all DAGs that Airflow has parsed."""
        answer = self.call("GET", "dags", params={"limit": 100, "exclude_stale": True})
        return {dag["dag_id"] for dag in answer["dags"]}

    def import_errors(self) -> list[str]:
        """Return the DAG files that could not be read, with the last line of the reason."""
        answer = self.call("GET", "importErrors", params={"limit": 20})
        return [
            f"{e['filename']}: {e['stack_trace'].strip().splitlines()[-1]}"
            for e in answer["import_errors"]
        ]

    def pause(self, dag_id: str, paused: bool) -> None:
        """Pause or unpause a DAG."""
        self.call("PATCH", f"dags/{dag_id}", json={"is_paused": paused})

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Start a run; return its id."""
        run = self.call(
            "POST", f"dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": conf or {}}
        )
        if run is None:
            raise PlatformError(f"Airflow does not know the DAG {dag_id}", hint="`eduplan status`")
        return str(run["dag_run_id"])

    def states(self, since: str) -> dict[tuple[str, str], str]:
        """Return {(DAG, run): queued | running | success | failed} of the runs made ``since``."""
        answer = self.call(
            "GET",
            "dags/~/dagRuns",
            params={"run_after_gte": since, "limit": 100, "order_by": "-id"},
        )
        return {(r["dag_id"], r["dag_run_id"]): r["state"] for r in answer["dag_runs"]}

    def active_tasks(self) -> dict[tuple[str, str], TaskState]:
        """Return {(DAG, run): a task of it that runs or is about to}."""
        answer = self.call(
            "GET",
            "dags/~/dagRuns/~/taskInstances",
            params={"state": ["queued", "running", "up_for_retry"], "limit": 100},
        )
        return {
            (t["dag_id"], t["dag_run_id"]): TaskState(t["task_id"], t["state"], t["try_number"])
            for t in answer["task_instances"]
        }

    def latest_runs(self, dag_id: str, limit: int = 5) -> list[dict[str, Any]]:
        """Return the newest runs of a DAG, newest first."""
        answer = self.call(
            "GET", f"dags/{dag_id}/dagRuns", params={"limit": limit, "order_by": "-id"}
        )
        runs: list[dict[str, Any]] = answer["dag_runs"]
        return runs

    def tasks(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Return the tasks of a run."""
        answer = self.call("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances")
        return [
            TaskState(t["task_id"], t["state"], t["try_number"]) for t in answer["task_instances"]
        ]

    def create_pool(self, name: str, slots: int, description: str) -> None:
        """Create a pool, or set its slots when it exists."""
        body = {"name": name, "slots": slots, "description": description, "include_deferred": False}
        if self.call("GET", f"pools/{name}") is None:
            self.call("POST", "pools", json=body)
        else:
            self.call("PATCH", f"pools/{name}", json=body)


def task_log(logs_dir: Path, dag_id: str, run_id: str, task: TaskState) -> Path:
    """Return where a task's log of its last try is."""
    return (
        logs_dir / "tasks" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task.task_id}"
        / f"attempt={max(task.try_number, 1)}.log"
    )  # fmt: skip
