"""REST/JSON over ``_platforms/*.jsonl``: OAuth2 client credentials, cursor and page paging.

Every platform has a base path, ``/clock``, and for each resource its list and ``…/count``::

    POST /oauth/token                        client id and secret -> a token that expires
    GET  /teacher/v1/profiles                ?cursor= &limit= &updated_since= &updated_until=
    GET  /literacy/v1/assessments            ?page= &per_page= &modified_from= &modified_to=
    GET  /lifelong/v1/courses, /learning     like the teacher platform
    POST /admin/faults, /admin/change, /admin/day-two    for whoever knows the admin secret

A list is ordered by (time of change, id), so that a cursor misses nothing; pages shift when
records change while they are read, as pages do. It binds 127.0.0.1 and nothing else.
"""

import base64
import json
import random
import secrets
import ssl
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Resource:
    """Where a dataset stands and how it is paged."""

    path: str
    paging: str


RESOURCES = {
    "training_teachers": Resource("/teacher/v1/profiles", "cursor"),
    "training_records": Resource("/teacher/v1/records", "cursor"),
    "literacy_assessments": Resource("/literacy/v1/assessments", "page"),
    "course_catalog": Resource("/lifelong/v1/courses", "cursor"),
    "course_learning": Resource("/lifelong/v1/learning", "cursor"),
}
MAX_SIZE = 5000


@dataclass
class Faults:
    """What goes wrong. Numbers of requests count down to zero; the others hold until reset."""

    too_many: int = 0
    """Requests answered 429."""
    retry_after: str = "1"
    server_error: int = 0
    drop_body: int = 0
    """Answers that end in the middle of the body."""
    html: int = 0
    """Lists answered 200 with a web page."""
    truncated: int = 0
    """Lists answered with half of the JSON and a matching length."""
    expired_cursor: int = 0
    forbidden: bool = False
    missing_list: bool = False
    revoke_token: int = 0
    """Requests after which all tokens are void, once."""
    total_off: int = 0
    """Added to the announced totals of lists."""
    live_off: int = 0
    clock_off: float = 0.0
    """Seconds added to the clock."""
    padding: int = 0
    """Bytes of blanks in front of a list."""
    rate: float = 0.0
    """Requests a second that are served; 0: all."""


class _Table:
    """The records of one dataset, in the order in which they are listed."""

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self.rows: dict[str, tuple[float, bool, str]] = {}
        self.put(records)

    def put(self, records: Iterable[Mapping[str, Any]]) -> None:
        for record in records:
            changed = datetime.fromisoformat(record["updated_at"]).timestamp()
            line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
            self.rows[str(record["id"])] = (changed, bool(record.get("is_deleted")), line)
        self.order = sorted((row[0], key) for key, row in self.rows.items())
        self.live = sum(not row[1] for row in self.rows.values())

    def bounds(self, since: float | None, until: float | None) -> tuple[int, int]:
        first = 0 if since is None else bisect_right(self.order, (since, ""))
        last = len(self.order) if until is None else bisect_right(self.order, (until, "\U0010ffff"))
        return first, max(first, last)

    def get(self, key: str) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(self.rows[key][2])
        return record


class Platforms:
    """The server. ``before_page(dataset, number)`` is called before each page is put together."""

    def __init__(
        self,
        data: Path | Mapping[str, Iterable[Mapping[str, Any]]],
        *,
        port: int = 0,
        client: tuple[str, str] = ("eduplan", ""),
        admin: str = "",
        token_seconds: float = 3600,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.faults = Faults()
        self.before_page: Callable[[str, int], None] | None = None
        self.requests: list[str] = []
        """Paths with query of the API requests, in order."""
        self.client = (client[0], client[1] or secrets.token_urlsafe(24))
        self.admin = admin or secrets.token_urlsafe(24)
        self.token_seconds = token_seconds
        self.lock = threading.RLock()
        self.tables = {
            name: _Table(
                _lines(data / f"{name}.jsonl") if isinstance(data, Path) else data.get(name, ())
            )
            for name in RESOURCES
        }
        self._tokens: dict[str, float] = {}
        self._served: list[float] = []
        newest = max((t.order[-1][0] for t in self.tables.values() if t.order), default=0.0)
        # The platforms live at least as late as their newest record.
        self._ahead = max(0.0, newest + 1 - time.time())
        self.server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.server.daemon_threads = True
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port: int = self.server.server_address[1]

    def __enter__(self) -> "Platforms":
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def now(self) -> datetime:
        """The platforms' clock."""
        moment = time.time() + self._ahead + self.faults.clock_off
        return datetime.fromtimestamp(moment, UTC).astimezone(BEIJING)

    def change(
        self,
        dataset: str,
        put: Iterable[Mapping[str, Any]] = (),
        delete: Iterable[str] = (),
        at: str | None = None,
    ) -> None:
        """Insert or update records and delete others; ``at``: time of change, default now."""
        with self.lock:
            table = self.tables[dataset]
            moment = at or self.now().isoformat(timespec="microseconds")
            table.put([{**record, "updated_at": moment} for record in put])
            # Of a deleted record nothing is left but that it is deleted.
            table.put([{"id": key, "updated_at": moment, "is_deleted": True} for key in delete])

    def forget(self, dataset: str, key: str) -> None:
        """Remove a record without a trace, as no platform should."""
        with self.lock:
            table = self.tables[dataset]
            del table.rows[key]
            table.put(())

    def day_two(self, seed: int = 2) -> dict[str, int]:
        """Touch one record in a hundred and delete one in four hundred; returns counts."""
        rng = random.Random(seed)  # noqa: S311  test data
        touched = {}
        with self.lock:
            for dataset, table in self.tables.items():
                alive = sorted(key for key, row in table.rows.items() if not row[1])
                chosen = rng.sample(alive, max(1, len(alive) // 100)) if alive else []
                gone = chosen[::4]
                self.change(dataset, [table.get(k) for k in chosen if k not in gone], gone)
                touched[dataset] = len(chosen)
        return touched

    def void_tokens(self) -> None:
        """End every token before its time."""
        self._tokens.clear()

    # -- what the handler asks --------------------------------------------------------------------

    def token(self, form: Mapping[str, str]) -> dict[str, Any] | None:
        """A new token for the right client, None for anyone else."""
        if form.get("grant_type") != "client_credentials":
            return None
        given = (form.get("client_id", ""), form.get("client_secret", ""))
        if not all(secrets.compare_digest(a, b) for a, b in zip(given, self.client, strict=True)):
            return None
        token = secrets.token_urlsafe(24)
        self._tokens[token] = time.monotonic() + self.token_seconds
        return {
            "access_token": token, "token_type": "Bearer", "expires_in": int(self.token_seconds),
        }  # fmt: skip

    def knows(self, header: str) -> bool:
        """Whether an Authorization header holds a token that is still good."""
        return self._tokens.get(header.removeprefix("Bearer "), 0.0) > time.monotonic()

    def down(self, fault: str) -> bool:
        """Count ``fault`` down; whether it strikes this time."""
        with self.lock:
            left: int = getattr(self.faults, fault)
            setattr(self.faults, fault, max(0, left - 1))
            return left > 0

    def over_rate(self) -> bool:
        """Whether more requests came in the last second than are served."""
        if not self.faults.rate:
            return False
        with self.lock:
            moment = time.monotonic()
            self._served = [t for t in self._served if t > moment - 1]
            if len(self._served) >= self.faults.rate:
                return True
            self._served.append(moment)
            return False

    def page(self, dataset: str, query: Mapping[str, str]) -> tuple[int, str]:
        """Status and body of one page."""
        by_page = RESOURCES[dataset].paging == "page"
        names = ("modified_from", "modified_to") if by_page else ("updated_since", "updated_until")
        number = int(query.get("page", 1))
        if self.before_page is not None and query.get("per_page", query.get("limit")) != "1":
            self.before_page(dataset, number)
        with self.lock:
            table = self.tables[dataset]
            since, until = (
                datetime.fromisoformat(query[name]).timestamp() if name in query else None
                for name in names
            )
            first, last = table.bounds(since, until)
            size = min(MAX_SIZE, int(query.get("per_page" if by_page else "limit", 1000)))
            start = first
            if by_page:
                start = first + (number - 1) * size
            elif "cursor" in query:
                if self.down("expired_cursor"):
                    return 410, '{"error":"cursor expired"}'
                try:
                    moment, key = json.loads(base64.urlsafe_b64decode(query["cursor"]))
                except ValueError:
                    return 400, '{"error":"cursor unknown"}'
                start = max(first, bisect_right(table.order, (moment, key)))
            end = min(last, start + size)
            chosen = table.order[start:end]
            following = ""
            if not by_page and end < last:
                following = base64.urlsafe_b64encode(json.dumps(chosen[-1]).encode()).decode()
            lines = ",".join(table.rows[key][2] for _, key in chosen)
            total = last - first + self.faults.total_off
        if by_page:
            return 200, f'{{"page":{number},"total":{total},"items":[{lines}]}}'
        meta = json.dumps({"total": total, "next_cursor": following or None})
        return 200, f'{{"meta":{meta},"data":[{lines}]}}'


def _lines(path: Path) -> Iterable[Mapping[str, Any]]:
    if path.is_file():
        with path.open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)


def _handler(platforms: Platforms) -> type[BaseHTTPRequestHandler]:
    by_path = {resource.path: name for name, resource in RESOURCES.items()}
    bases = {resource.path.rpartition("/")[0] for resource in RESOURCES.values()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            """Say nothing: queries and tokens belong in no log."""

        def answer(
            self, status: int, body: str, kind: str = "application/json", **headers: str
        ) -> None:
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if status == 200 and len(data) > 1 and self.listing and platforms.down("drop_body"):
                self.wfile.write(data[: len(data) // 2])
                self.close_connection = True
                return
            self.wfile.write(data)

        def do_POST(self) -> None:
            self.listing = False
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            path = urlsplit(self.path).path
            if path == "/oauth/token":
                token = platforms.token({k: v[0] for k, v in parse_qs(body).items()})
                if token is None:
                    self.answer(401, '{"error":"invalid_client"}')
                else:
                    self.answer(200, json.dumps(token))
            elif not secrets.compare_digest(
                self.headers.get("X-Admin-Secret") or "", platforms.admin
            ):
                self.answer(403, "{}")
            else:
                self.administer(path, json.loads(body or "{}"))

        def administer(self, path: str, wanted: dict[str, Any]) -> None:
            if path == "/admin/faults":
                known = {field.name for field in fields(Faults)}
                for name in known & wanted.keys():
                    setattr(platforms.faults, name, wanted[name])
                self.answer(200, "{}")
            elif path == "/admin/change":
                platforms.change(
                    wanted["dataset"], wanted.get("put", ()), wanted.get("delete", ()),
                    wanted.get("at"),
                )  # fmt: skip
                self.answer(200, "{}")
            elif path == "/admin/day-two":
                self.answer(200, json.dumps(platforms.day_two(int(wanted.get("seed", 2)))))
            else:
                self.answer(404, "{}")

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self.listing = parts.path in by_path
            platforms.requests.append(self.path)
            if platforms.faults.revoke_token == 1:
                platforms.void_tokens()
            platforms.down("revoke_token")
            if platforms.down("too_many") or platforms.over_rate():
                self.answer(429, "{}", Retry_After=platforms.faults.retry_after)
            elif platforms.down("server_error"):
                self.answer(503, "<html>maintenance</html>", "text/html")
            elif not platforms.knows(self.headers.get("Authorization") or ""):
                self.answer(401, '{"error":"invalid_token"}')
            elif platforms.faults.forbidden:
                self.answer(403, '{"error":"insufficient_scope"}')
            elif self.listing:
                query = {k: v[0] for k, v in parse_qs(parts.query).items()}
                self.list(*platforms.page(by_path[parts.path], query))
            elif parts.path.removesuffix("/count") in by_path:
                table = platforms.tables[by_path[parts.path.removesuffix("/count")]]
                self.answer(200, json.dumps({"count": table.live + platforms.faults.live_off}))
            elif parts.path.removesuffix("/clock") in bases:
                self.answer(200, json.dumps({"now": platforms.now().isoformat()}))
            else:
                self.answer(404, '{"error":"not found"}')

        def list(self, status: int, body: str) -> None:
            if platforms.down("html"):
                self.answer(200, "<!doctype html><title>请登录</title>", "text/html")
            elif platforms.down("truncated"):
                self.answer(200, body[: len(body) // 2])
            elif platforms.faults.missing_list:
                self.answer(200, '{"message":"系统维护中"}')
            else:
                self.answer(status, " " * platforms.faults.padding + body)

    return Handler
