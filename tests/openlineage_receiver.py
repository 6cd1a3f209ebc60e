"""A receiver of OpenLineage events: a real HTTP server that keeps what is posted to it."""

import json
import re
import threading
import time
import uuid
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Event = dict[str, Any]


class Receiver:
    """Listens on a free port of this machine; ``delay`` seconds pass before it answers."""

    def __init__(self, delay: float = 0) -> None:
        self.bodies: list[str] = []
        self.keys: set[str | None] = set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode("utf-8")
                time.sleep(delay)
                receiver.keys.add(self.headers.get("Authorization"))
                if self.path == "/api/v1/lineage":
                    receiver.bodies.append(body)
                self.send_response(201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def events(self) -> list[Event]:
        return [json.loads(body) for body in list(self.bodies)]

    def __enter__(self) -> "Receiver":
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


def check(event: Event) -> None:
    """What the specification (2-0-2, RunEvent) asks of every event and every facet."""
    datetime.fromisoformat(event["eventTime"])
    uuid.UUID(event["run"]["runId"])
    assert re.fullmatch(r"[a-z]+:\S+", event["producer"])
    assert event["schemaURL"].startswith("https://openlineage.io/spec/")
    assert event["eventType"] in {"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"}
    owners = [event["run"], event["job"], *event.get("inputs", []), *event.get("outputs", [])]
    for owner in owners[1:]:
        assert owner["namespace"] and owner["name"]
    for owner in owners:
        for kind in ("facets", "inputFacets", "outputFacets"):
            for name, facet in (owner.get(kind) or {}).items():
                assert re.fullmatch(r"[A-Za-z_0-9]+", name)
                assert facet["_producer"] and facet["_schemaURL"], name


def names(datasets: list[Event]) -> set[tuple[str, str]]:
    """Return (namespace, name) of datasets."""
    return {(dataset["namespace"], dataset["name"]) for dataset in datasets}
