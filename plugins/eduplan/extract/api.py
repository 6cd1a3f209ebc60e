"""Read a REST/JSON source into one CSV that lands like any other delivery.

One reading (a row of ``ops.pull``) asks for the changes of one window of the *source's* clock,
fixed before the first page. Pages go to a spool file; after each page the spool is synced and the
next page is committed, so that a killed reading goes on where it stopped. At its end one record a
key is left (the one received last), sorted by key. Nothing is believed that does not add up:

- the records received are as many as the answer announced, at its beginning and at its end;
- what we have afterwards is as much as the source says it has alive. If not, everything is read
  again, and keys that a full list lacks are delivered as deleted.

OAuth2, paging and repeating of failed requests (``Retry-After`` included) are those of dlt.
"""

import csv
import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import sql

from eduplan import warehouse
from eduplan.connections import Connection
from eduplan.contract import FULL_PERIOD, Contract
from eduplan.errors import SourceError
from eduplan.extract.discover import Delivery, content_hash
from eduplan.extract.fields import MOST, Fields, at_source, optional

if TYPE_CHECKING:
    from requests import Response

log = logging.getLogger(__name__)

MAX_PAGE_BYTES = 64 << 20
TRIES = 6
BACKOFF_SECONDS = 1.0
_LONGEST_WAIT = 3600
"""Seconds of ``Retry-After`` that are waited at most."""
_READINGS = 3
_TELLING = 20
"""So many records of a reading of changes tell that a field is in none any more."""
_LOCK_SECONDS = 10
_BEIJING = timezone(timedelta(hours=8))
_TRUE = frozenset({"true", "1", "是"})
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""NUL and halves of a character cut in two: JSON can spell them, PostgreSQL cannot hold them."""

Key = tuple[str, ...]
_T = TypeVar("_T")


def pull(
    conn: psycopg.Connection[Any], contract: Contract, connection: Connection, spool_dir: Path
) -> list[Delivery]:
    """Read what changed at the source since the last reading that was published.

    Returns one delivery, or none when nothing changed. A reading that was interrupted goes on; one
    that is complete but was never landed is returned again. Raises SourceError when the source
    cannot be reached, refuses, or gives something else than it announced; the reading is then
    ``failed`` and the next one starts at the same point in time. ``conn`` is committed.
    """
    conn.rollback()
    with _alone(conn, contract.dataset):
        run = _Run.find(conn, contract, spool_dir) or _Run.new(conn, contract, spool_dir)
        if run.complete:
            return [run.delivery()]
        try:
            with _Client(contract, connection) as client:
                run.read(client)
        except psycopg.Error:
            raise  # our server failed, not the source: the reading goes on later
        except Exception as error:
            conn.rollback()
            told = f"{error} {error.hint}".strip() if isinstance(error, SourceError) else ""
            run.end("failed", error=told or type(error).__name__)
            run.part.unlink(missing_ok=True)
            raise
        return [run.delivery()] if run.complete else []


@contextmanager
def _alone(conn: psycopg.Connection[Any], dataset: str) -> Iterator[None]:
    """Hold the lock of ``dataset``; SourceError when another reading keeps it."""
    with ExitStack() as stack:
        try:
            stack.enter_context(
                warehouse.session_lock(conn, f"eduplan.pull:{dataset}", _LOCK_SECONDS)
            )
        except TimeoutError:
            raise SourceError(
                f"{dataset}：另一个进程正在读取。 Another process is reading it.",
                hint="等它结束后再运行 / run it again when that one has ended",
                transient=True,
            ) from None
        yield


def _one(conn: psycopg.Connection[Any], query: str, *values: Any) -> Any:
    row = conn.execute(query.encode(), values).fetchone()
    return None if row is None else row[0]


class _Again(Exception):
    """This reading does not add up and must be started over; ``full``: from the beginning."""

    def __init__(self, why: str, *, full: bool = False) -> None:
        super().__init__(why)
        self.full = full


class _Expired(Exception):
    """The server does not know the cursor any more."""


# -- the server ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Page:
    records: list[Any]
    following: str | None
    """Cursor or number of the next page."""
    total: int | None


class _Client:
    """The source of one contract, spoken to through dlt's REST client."""

    def __init__(self, contract: Contract, connection: Connection) -> None:
        # Of dlt only the client is wanted: no reports, and no look into Airflow's variables (its
        # import takes seconds and makes folders).
        os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
        os.environ.setdefault("PROVIDERS__ENABLE_AIRFLOW_SECRETS", "false")
        from dlt.common.configuration.specs import RuntimeConfiguration
        from dlt.sources.helpers.requests import Client
        from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
        from dlt.sources.helpers.rest_client.client import RESTClient

        if connection.conn_type not in ("http", "https") or not connection.host:
            raise SourceError(
                f"connection {connection.conn_id!r} is no HTTP address",
                hint="give it the type http or https and a host",
            )
        self.name = f"{contract.dataset} ({connection.conn_id})"
        self.options = contract.source.options
        port = f":{connection.port}" if connection.port else ""
        root = f"{connection.conn_type}://{connection.host}{port}"
        token = str(connection.extra.get("token_url") or "/oauth/token")
        scope = connection.extra.get("scope")
        hooks = {"response": [self._checked]}
        self._transport = Client(
            raise_for_status=False,
            request_max_attempts=TRIES,
            request_backoff_factor=BACKOFF_SECONDS,
            request_max_retry_delay=_LONGEST_WAIT,
            session_attrs={"stream": True, "hooks": hooks},
        )
        session = self._transport.session
        self.auth = OAuth2ClientCredentials(
            access_token_url=token if "://" in token else f"{root}/{token.lstrip('/')}",
            client_id=connection.login,
            client_secret=connection.password,
            access_token_request_data={"scope": scope} if scope else {},
            session=session,
        )
        self.rest = RESTClient(
            f"{root}/{connection.schema}".rstrip("/"),
            auth=self.auth,
            session=session,
            config=RuntimeConfiguration(),
        )
        self._each: dict[str, Any] = {"hooks": hooks, "allow_redirects": False}

    def __enter__(self) -> "_Client":
        self._guarded("token", self._sign_in)
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.session.close()

    def option(self, name: str, default: Any = None) -> Any:
        value = self.options.get(name)
        return default if value is None else value

    def _sign_in(self) -> None:
        self.auth.obtain_token()
        if self.auth.access_token in (None, "", "None"):
            raise self._strange("token", "没有 access_token / no access_token")

    def _checked(self, response: "Response", *_: Any, **__: Any) -> None:
        """Read the body within bounds and parse it once; called for each answer.

        A connection that breaks in the body is repeated like one that breaks before it.
        """
        from requests import HTTPError

        body = bytearray()
        for block in response.iter_content(1 << 16):
            body += block
            if len(body) > MAX_PAGE_BYTES:
                response.close()
                raise self._strange(
                    "page", f"超过 {MAX_PAGE_BYTES >> 20} MB / over {MAX_PAGE_BYTES >> 20} MB"
                )
        if not 200 <= response.status_code < 300:
            raise HTTPError(response=response)
        try:
            parsed = json.loads(bytes(body))
        except (ValueError, RecursionError):
            kind = str(response.headers.get("Content-Type", ""))[:40]
            raise self._strange(
                "page", f"不是完整的 JSON（{kind}）/ not a complete JSON document"
            ) from None
        # dlt's paginators ask for the parsed body again.
        setattr(response, "json", lambda **_: parsed)  # noqa: B010  a method of its class

    def _strange(self, what: str, detail: str) -> SourceError:
        return SourceError(
            f"{self.name}：{what}：应答不可信：{detail}。 The answer cannot be believed.",
            hint="请平台管理员查看；未读入任何数据 / ask the platform's administrator",
        )

    def _guarded(self, what: str, call: Callable[[], _T]) -> _T:
        """Call; with a new token once after a 401. Every failure becomes a SourceError."""
        from requests import HTTPError, RequestException

        for last in (False, True):
            try:
                return call()
            except HTTPError as error:
                status = error.response.status_code if error.response is not None else 0
                if status == 401 and what != "token" and not last:
                    self._guarded("token", self._sign_in)
                    continue
                raise self._refused(what, status) from None
            except RequestException as error:
                raise self._unreachable(what, error) from None
        raise AssertionError("unreachable")

    def _unreachable(self, what: str, error: Exception) -> SourceError:
        # The text of the error has the address in it, and may have more.
        return SourceError(
            f"{self.name}：{what}：连接失败（{type(error).__name__}），已试 {TRIES} 次。"
            f" No usable connection in {TRIES} tries.",
            hint="检查网络、证书和平台是否在线 / check network, certificate and platform",
            transient=True,
        )

    def _refused(self, what: str, status: int) -> SourceError:
        hints = {
            400: "检查令牌地址和授权范围 / check token_url and scope",
            401: "检查连接中的客户端编号和密钥 / check client id and secret of the connection",
            403: "请平台管理员授予读取权限 / ask for the right to read",
            404: "检查契约的 resource 与连接的路径 / check the contract's resource and the path",
            429: "平台限流，稍后再运行 / rate limit: run it later",
        }
        return SourceError(
            f"{self.name}：{what}：平台应答 HTTP {status}。 The platform answered HTTP {status}.",
            hint=hints.get(status, "平台故障，稍后再运行 / a fault of the platform: try later"),
            transient=status == 429 or status >= 500,
        )

    def get(self, what: str, path: str, params: Mapping[str, Any] | None = None) -> "Response":
        """One answer of ``path``, its JSON body checked."""
        return self._guarded(
            what, lambda: self.rest.get(path, params=dict(params or {}), **self._each)
        )

    def number(self, what: str, body: Any, path: str) -> int:
        """The count that stands at ``path``; SourceError when there is none."""
        value = _at(body, path)
        if isinstance(value, bool) or not str(value).isdecimal():
            raise self._strange(what, f"缺少数字 {path} / no number at {path}")
        return int(value)

    def live(self) -> int | None:
        """How many records the source says are alive now."""
        path = self.option("count_resource")
        if path is None:
            return None
        return self.number(
            "count", self.get("count", path).json(), self.option("count_path", "count")
        )

    def clock(self) -> datetime:
        """The source's time."""
        path = self.option("clock_resource")
        if path is None:
            answer = self.get("clock", self.option("resource"), {**self._size(1)})
            with suppress(TypeError, ValueError):
                return parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)
        else:
            with suppress(TypeError, ValueError):
                text = _at(self.get("clock", path).json(), self.option("clock_path", "now"))
                told = datetime.fromisoformat(text)
                return told if told.tzinfo else told.replace(tzinfo=_BEIJING)
        raise self._strange("clock", "没有可读的时间 / no readable time")

    def now(self) -> tuple[datetime, int | None]:
        """The source's time, and its live count at that time."""
        for _ in range(TRIES):
            before, clock = self.live(), self.clock()
            if before == (after := self.live()):
                break
        return clock, after

    def _size(self, size: int | None) -> dict[str, Any]:
        name = self.option("size_param")
        return {name: size} if name and size else {}

    def total(self, window: Mapping[str, str]) -> int | None:
        """How many records the source announces for ``window``."""
        path = self.option("total_path")
        if path is None:
            return None
        answer = self.get("total", self.option("resource"), {**window, **self._size(1)})
        return self.number("total", answer.json(), path)

    def pages(self, window: Mapping[str, str], start: str | None) -> Iterator[_Page]:
        """Yield the pages from ``start`` (None: the first) on; _Expired when it is not known."""
        from dlt.sources.helpers.rest_client.paginators import (
            BasePaginator,
            JSONResponseCursorPaginator,
            PageNumberPaginator,
        )
        from requests import HTTPError, RequestException

        records_path = self.option("records_path", "data")
        by_cursor = self.option("paging", "cursor") == "cursor"
        cursor_path = self.option("cursor_path", "next_cursor")
        cursor_param = self.option("cursor_param", "cursor")
        fresh = False
        while True:
            params: dict[str, Any] = {**window, **self._size(self.option("page_size"))}
            paginator: BasePaginator
            if by_cursor:
                paginator = JSONResponseCursorPaginator(cursor_path, cursor_param)
                if start:
                    params[cursor_param] = start
            else:
                paginator = PageNumberPaginator(
                    base_page=1, page=int(start or 1), total_path=None,
                    page_param=self.option("page_param", "page"),
                )  # fmt: skip
            found = self.rest.paginate(
                self.option("resource"), params=params, paginator=paginator,
                data_selector=records_path, **self._each,
            )  # fmt: skip
            try:
                for page in found:
                    fresh = False
                    body = page.response.json()
                    records = _at(body, records_path)
                    if not isinstance(records, list) or not all(
                        isinstance(record, dict) for record in records
                    ):
                        raise self._strange(
                            "page", f"缺少记录列表 {records_path} / no list at {records_path}"
                        )
                    if by_cursor:
                        following = _at(body, cursor_path) or None
                        if following is not None and str(following) == start:
                            raise self._strange("page", "游标原地不动 / the cursor stands still")
                    else:
                        following = int(start or 1) + 1 if records else None
                    start = None if following is None else str(following)
                    path = self.option("total_path")
                    total = None if path is None else self.number("page", body, path)
                    yield _Page(records, start, total)
                    if start is None:
                        return
                return
            except HTTPError as error:
                status = error.response.status_code if error.response is not None else 0
                if status == 401 and not fresh:
                    # The token ended before its time: a new one, then the same page again.
                    self._guarded("token", self._sign_in)
                    fresh = True
                    continue
                if start and by_cursor and status in (400, 410):
                    raise _Expired from None
                raise self._refused("page", status) from None
            except RequestException as error:
                raise self._unreachable("page", error) from None


def _at(value: Any, path: str) -> Any:
    """Value at a dotted JSON path, None where there is none."""
    for part in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def _text(value: Any) -> str:
    """One JSON value as the text of a raw column."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return _UNSTORABLE.sub("\ufffd", json.dumps(value, ensure_ascii=False))
    return str(value)


# -- one reading -----------------------------------------------------------------------------------


@dataclass
class _Run:
    """One row of ``ops.pull`` and its spool file; every change of it is committed at once."""

    conn: psycopg.Connection[Any]
    contract: Contract
    spool_dir: Path
    pull_id: int
    status: str
    is_full: bool
    since: datetime | None
    until: datetime | None
    next_page: str | None
    spool_bytes: int
    pages: int
    records: int
    announced: int | None
    live: int | None
    unknown: list[str]
    absent: list[str]

    @classmethod
    def find(
        cls, conn: psycopg.Connection[Any], contract: Contract, spool_dir: Path
    ) -> "_Run | None":
        """The reading that was interrupted or not landed, if there is one and its file is left."""
        row = conn.execute(
            "select pull_id, status, is_full, window_from, window_until, next_page, spool_bytes,"
            " page_count, record_count, announced_count, live_count, unknown_fields, absent_fields"
            " from ops.pull"
            " where dataset = %s and status in ('running', 'complete')",
            (contract.dataset,),
        ).fetchone()
        conn.commit()
        if row is None:
            return None
        run = cls(conn, contract, spool_dir, *row)
        file = run.file if run.complete else run.part
        size = file.stat().st_size if file.is_file() else -1
        if size >= run.spool_bytes if not run.complete else size == run.spool_bytes:
            return run
        if not run.complete and run.pages == 0:
            return run
        run.end("failed", error="spool file lost")
        return None

    @classmethod
    def new(cls, conn: psycopg.Connection[Any], contract: Contract, spool_dir: Path) -> "_Run":
        """Note a new reading; it has no window yet. What older ones left behind is removed."""
        for left in (spool_dir / contract.dataset).glob("[0-9]*"):
            left.unlink()
        since = _one(
            conn,
            "select max(p.window_until) from ops.pull p left join ops.batch b using (batch_id)"
            " where p.dataset = %s"
            " and (p.status = 'unchanged' or b.status in ('published', 'superseded'))",
            contract.dataset,
        )
        pull_id = _one(
            conn,
            "insert into ops.pull (dataset, kind, status, is_full, window_from, spool)"
            " values (%s, 'api', 'running', %s, %s, %s) returning pull_id",
            contract.dataset, since is None, since, f"{contract.dataset}/records.csv",
        )  # fmt: skip
        conn.commit()
        return cls(
            conn, contract, spool_dir, pull_id, "running", since is None, since, None, None, 0, 0,
            0, None, None, [], [],
        )  # fmt: skip

    @property
    def complete(self) -> bool:
        return self.status == "complete"

    @property
    def file(self) -> Path:
        """The delivery: its name is the same for each reading, so that reports can name rows."""
        return self.spool_dir / self.contract.dataset / "records.csv"

    @property
    def part(self) -> Path:
        # Pages read for another contract have other columns: they are not gone on with.
        name = f"{self.pull_id}-{self.contract.sha256[:12]}.csv"
        return self.spool_dir / self.contract.dataset / name

    def delivery(self) -> Delivery:
        return Delivery(
            self.contract.dataset, FULL_PERIOD, (self.file,), content_hash([self.file]),
            self.spool_dir, self.pull_id,
        )  # fmt: skip

    def save(self) -> None:
        self.conn.execute(
            "update ops.pull set status = %s, is_full = %s, window_from = %s, window_until = %s,"
            " next_page = %s, spool_bytes = %s, page_count = %s, record_count = %s,"
            " announced_count = %s, live_count = %s, unknown_fields = %s, absent_fields = %s"
            " where pull_id = %s",
            (
                self.status, self.is_full, self.since, self.until, self.next_page,
                self.spool_bytes, self.pages, self.records, self.announced, self.live,
                self.unknown, self.absent, self.pull_id,
            ),
        )  # fmt: skip
        self.conn.commit()

    def end(self, status: str, *, error: str | None = None) -> None:
        self.status = status
        self.conn.execute(
            "update ops.pull set status = %s, error = %s, finished_at = clock_timestamp()"
            " where pull_id = %s",
            (status, error, self.pull_id),
        )
        self.conn.commit()

    def read(self, client: _Client) -> None:
        """Read to the end, over again while it does not add up."""
        why = ""
        for _ in range(_READINGS):
            try:
                if self.until is None:
                    self._open_window(client)
                self._read_pages(client)
                self._conclude(client)
                return
            except _Expired:
                why = "游标过期 / the cursor expired"
                self._restart()
            except _Again as again:
                why = str(again)
                self.is_full = self.is_full or again.full
                self._restart()
            log.warning("%s: reading %s starts over: %s", self.contract.dataset, self.pull_id, why)
        raise SourceError(
            f"{client.name}：读了 {_READINGS} 遍仍对不上：{why}。"
            f" It did not add up in {_READINGS} readings.",
            hint="平台数据正在变动或计数有误，稍后再运行 / try later, or tell the platform",
            transient=True,
        )

    def _restart(self) -> None:
        self.until, self.next_page, self.announced, self.live = None, None, None, None
        self.spool_bytes = self.pages = self.records = 0
        if self.is_full:
            self.since = None
        self.save()

    def _open_window(self, client: _Client) -> None:
        self.until, self.live = client.now()
        if self.since is not None and self.pages == 0 and self.until < self.since:
            log.warning("%s: the clock of the source went back", self.contract.dataset)
            self.is_full, self.since = True, None
        self.save()

    def _window(self, client: _Client) -> dict[str, str]:
        lag = timedelta(seconds=float(client.option("lag_seconds", 300)))
        asked = {
            client.option("since_param"): None if self.since is None else self.since - lag,
            client.option("until_param"): self.until,
        }
        return {
            name: moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
            for name, moment in asked.items()
            if name is not None and moment is not None
        }

    def _read_pages(self, client: _Client) -> None:
        if self.pages and self.next_page is None:
            return  # interrupted after the last page
        columns = [at_source(column) for column in self.contract.columns]
        if self.pages == 0:
            self.unknown, self.absent = [], sorted(optional(self.contract))
        fields = Fields(self.contract, self.unknown, self.absent)
        self.part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _private(self.part) as spool:
            spool.truncate(self.spool_bytes)
            spool.seek(self.spool_bytes)
            writer = _csv_writer(spool)
            for page in client.pages(self._window(client), self.next_page):
                if self.pages == 0:
                    self.announced = page.total
                writer.writerows(
                    [_text(_at(record, path)) for path in columns] for record in page.records
                )
                for record in page.records:
                    fields.look(record, alive=not self._is_tombstone(record))
                self.unknown, self.absent = list(fields.unknown), sorted(fields.absent)
                spool.flush()
                os.fsync(spool.fileno())
                self.spool_bytes = os.fstat(spool.fileno()).st_size
                self.next_page = page.following
                self.pages += 1
                self.records += len(page.records)
                self.save()

    def _conclude(self, client: _Client) -> None:
        """Check the counts, write the delivery and mark the reading as complete."""
        lines = self._last_of_each_key()
        held = self._known()
        total = client.total(self._window(client))
        got = len(lines)
        # A record that changes while a list is read by cursor leaves its window; the next reading
        # has it. By page others slip past unread, and a full list must not lose a record.
        lenient = client.option("paging", "cursor") == "cursor" and not (self.is_full and held)
        if total is not None and self.announced is not None:
            low, high = sorted((total, self.announced))
            if not (low <= got <= high if lenient else low == got == high):
                raise _Again(
                    f"开始时宣布 {self.announced} 条，结束时 {total} 条，收到 {got} 条 /"
                    f" announced {self.announced}, then {total}, received {got}"
                )
        if self.is_full and not lines:
            raise SourceError(
                f"{client.name}：完整读取得到 0 条记录，不可信。 A full reading gave no record.",
                hint="请平台管理员查看 / ask the platform's administrator",
            )
        gone = held.keys() - lines.keys() if self.is_full else set()
        deleted = {key for key, line in lines.items() if self._is_deleted(line)}
        have = len((held.keys() | lines.keys()) - deleted - gone)
        if self.live is not None and have != self.live:
            raise _Again(
                f"平台现有 {self.live} 条，读后应有 {have} 条 /"
                f" the platform has {self.live} alive, we would have {have}",
                full=True,
            )
        if not self.is_full and got - len(deleted) < _TELLING:
            self._add_to_what_was_noted()
        lines.update({key: held[key] for key in gone})
        if not lines:
            self.part.unlink(missing_ok=True)
            self.save()
            self.end("unchanged")
            return
        temporary = self.part.with_suffix(".sorted")
        with _private(temporary) as out:
            out.truncate(0)
            writer = _csv_writer(out)
            writer.writerow(column.name for column in self.contract.columns)
            writer.writerows(lines[key] for key in sorted(lines))
            out.flush()
            os.fsync(out.fileno())
            size = os.fstat(out.fileno()).st_size
        temporary.replace(self.file)
        self.status, self.spool_bytes = "complete", size
        self.save()
        self.part.unlink(missing_ok=True)
        log.info(
            "%s: reading %s: %s pages, %s records, %s keys, %s deleted, %s gone, full: %s",
            self.contract.dataset, self.pull_id, self.pages, self.records, got, len(deleted),
            len(gone), self.is_full,
        )  # fmt: skip

    def _add_to_what_was_noted(self) -> None:
        """A few changes tell what is there, not what is gone: the rest is as noted before."""
        row = self.conn.execute(
            "select unknown_fields, absent_fields from ops.pull where dataset = %s"
            " and status in ('landed', 'unchanged') order by pull_id desc limit 1",
            (self.contract.dataset,),
        ).fetchone()
        unknown, absent = row or ([], [])
        self.unknown = list(dict.fromkeys([*unknown, *self.unknown]))[:MOST]
        self.absent = sorted(set(self.absent) & set(absent))

    @cached_property
    def _tombstone_path(self) -> str | None:
        return next(
            (at_source(c) for c in self.contract.columns if c.name == self.contract.tombstone), None
        )

    def _is_tombstone(self, record: Mapping[str, Any]) -> bool:
        path = self._tombstone_path
        return path is not None and _text(_at(record, path)).strip().lower() in _TRUE

    def _is_deleted(self, line: Sequence[str]) -> bool:
        at = next(
            (i for i, c in enumerate(self.contract.columns) if c.name == self.contract.tombstone),
            None,
        )
        return at is not None and line[at].strip().lower() in _TRUE

    def _last_of_each_key(self) -> dict[Key, list[str]]:
        lines: dict[Key, list[str]] = {}
        csv.field_size_limit(MAX_PAGE_BYTES)
        with self.part.open(encoding="utf-8", newline="") as spool:
            for line in csv.reader(spool):
                lines[self._key(line)] = line
        return lines

    def _key(self, line: Sequence[str]) -> Key:
        """The key of a record; all of it when the key is blank (the audit accuses it)."""
        key = tuple([line[i] for i in self._key_at])
        return key if all(key) else (*key, *line)

    @cached_property
    def _key_at(self) -> tuple[int, ...]:
        return tuple(i for i, column in enumerate(self.contract.columns) if column.key)

    def _known(self) -> dict[Key, list[str]]:
        """What we hold alive already, as the tombstone that would remove it.

        A record in quarantine is known too, until it is published or deleted.
        """
        columns = self.contract.columns
        key = next(column.name for column in columns if column.key)
        values = sql.SQL(", ").join(
            sql.SQL("coalesce(known.payload ->> {}, '')").format(sql.Literal(column.name))
            for column in columns
        )
        parts = [
            sql.SQL(
                "select q.payload from quality.quarantined_row q"
                " where q.dataset = {dataset} and q.payload ? {key} and (q.status in"
                "  ('open', 'waived') or q.status in ('released', 'rejected')"
                # A decision outlives its record: what was replaced or deleted since is not alive.
                "  and not exists (select from raw.superseded_row k where k.dataset = q.dataset"
                "   and k.batch_id > q.batch_id and k.payload ->> {key} = q.payload ->> {key}))"
            ).format(dataset=sql.Literal(self.contract.dataset), key=sql.Literal(key))
        ]
        if _one(self.conn, "select to_regclass(%s) is not null", f'raw."{self.contract.dataset}"'):
            table = sql.Identifier("raw", self.contract.dataset)
            parts.append(sql.SQL("select to_jsonb(r) from {} r").format(table))
        query = sql.SQL("select {} from ({}) as known (payload)").format(
            values, sql.SQL(" union all ").join(parts)
        )
        found = {}
        for line in self.conn.execute(query).fetchall():
            found[self._key(line)] = [
                "true" if column.name == self.contract.tombstone
                else value if column.key or column.required
                else ""
                for column, value in zip(columns, line, strict=True)
            ]  # fmt: skip
        self.conn.commit()
        return found


class _UnixLines:
    """Takes the lines of a CSV writer and ends them in LF."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out

    def write(self, line: str) -> None:
        self._out.write(line.removesuffix("\r\n") + "\n")


def _csv_writer(out: IO[str]) -> Any:
    """Return a CSV writer with LF that quotes a lone CR: before 3.13 only a CR in line ends is."""
    return csv.writer(_UnixLines(out), lineterminator="\r\n")


@contextmanager
def _private(path: Path) -> Iterator[IO[str]]:
    """Open ``path`` for reading and writing, for its owner alone."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "r+", encoding="utf-8", newline="") as file:
        yield file
