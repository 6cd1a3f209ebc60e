"""A small dataset for landing tests, built by hand from the interfaces."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from eduplan.contract import Column, Contract, Source
from eduplan.extract.discover import discover
from eduplan.land import LandResult, land


def column(name: str, label: str, **kw: Any) -> Column:
    base: dict[str, Any] = {
        "aliases": (), "logical_type": "string", "required": True, "unique": False, "key": False,
        "personal": None, "codes": None, "description": "",
    }  # fmt: skip
    return Column(name=name, label=label, **(base | kw))


PUPILS = (
    column("school_code", "学校标识码", aliases=("XXBSM",)),
    column("name", "姓名", personal="direct"),
    column("id_number", "身份证件号", personal="direct"),
    column("note", "备忘", required=False),
)


def contract(
    columns: Sequence[Column] = PUPILS,
    *,
    dataset: str = "pupils",
    path: str = "学籍/{period}/*_学生.*",
    layout: str = "table",
    encoding: str | None = "GB18030",
    options: dict[str, Any] | None = None,
    period_kind: str = "school_year",
    period_range: tuple[str, str] = ("2023-2024", "2025-2026"),
) -> Contract:
    return Contract(
        dataset=dataset, system="test", title_zh="学生", version="1.0.0", path=Path("x.odcs.yaml"),
        sha256="0" * 64, prefix="PUP", owner="教育局", steward="s", description="",
        source=Source("file", path, layout, encoding, options or {}), columns=tuple(columns),
        rules=(), scope="full" if period_kind == "none" else "period", period_kind=period_kind,
        period_range=period_range, max_reject_rate=0.01, depends_on=(), pool="files",
        schedule=None, sla={},
    )  # fmt: skip


class Desk:
    """One source root, one archive, one database: deliver bytes and look at what became of them."""

    def __init__(self, folder: Path, db: psycopg.Connection, contract: Contract) -> None:
        self.root, self.archive, self.db, self.contract = (
            folder / "source", folder / "archive", db, contract,
        )  # fmt: skip

    def put(
        self, content: bytes | str, name: str = "450421_学生.csv", period: str = "2025-2026"
    ) -> Path:
        path = self.root / self.contract.source.path.replace("{period}", period)
        path = path.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("gb18030") if isinstance(content, str) else content)
        return path

    def land(self, period: str | None = None, paths: Sequence[Path] = ()) -> list[LandResult]:
        found = discover(self.contract, self.root, paths, period)
        return [land(self.db, self.contract, delivery, self.archive) for delivery in found]

    def land_one(self, content: bytes | str, **kw: Any) -> LandResult:
        self.put(content, **kw)
        (result,) = self.land(kw.get("period"))
        return result

    def rows(self, batch_id: int | None, *columns: str) -> list[tuple[Any, ...]]:
        names = columns or ("_row", *(c.name for c in self.contract.columns))
        query = sql.SQL("select {} from {} order by _file, _row").format(
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.Identifier("raw", f"{self.contract.dataset}__b{batch_id}"),
        )
        return self.db.execute(query).fetchall()

    def with_contract(self, **kw: Any) -> "Desk":
        self.contract = replace(self.contract, **kw)
        return self


def forget_batches(db: psycopg.Connection) -> None:
    """Empty the ledger of batches, past the guard of its append-only history."""
    with db.transaction():
        db.execute("set local session_replication_role = replica")
        db.execute("truncate ops.batch cascade")
