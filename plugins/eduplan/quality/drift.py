"""Where a delivery differs from its contract: columns and codes, with a suggestion each.

Landing notes what a header shows (new and missing columns); once a batch is audited its values
tell which of them are one renamed column, which columns are of another type now, and which codes
no list has. An event is accepted by editing the contract: that is seen from the contract and
stored nowhere. No value of a personal column, and none that could be a person's, is kept here.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from eduplan.contract import Column, Contract
from eduplan.extract import csv, fields
from eduplan.extract.shape import LIKELY, Field, Shape, clean_label, similarity

MISSING, RETYPED, CODE, FIELD = "DRF-001", "DRF-002", "DRF-003", "DRF-004"
_SAMPLE = 2000
_ENOUGH = 5
_CODES = 50
_SEEN_OFTEN = 3
_OPEN = ("landed", "audited", "held", "published")
_TYPES = {"integer": "edu.is_integer", "number": "edu.is_number", "date": "edu.is_date"}
_TYPE_ZH = {"integer": "整数", "number": "数字", "date": "日期", "string": "文字"}
_PERSONAL = re.compile(
    "姓名|身份证|证件号|电话|手机|住址|地址|name|phone|mobile|sfz", re.IGNORECASE
)


def observe(conn: psycopg.Connection[Any], contract: Contract, batch_id: int) -> None:
    """Complete the drift events of an audited batch: renamed and re-typed columns, codes.

    A batch may be observed again; one that is published or refused is left as it is.
    """
    row = conn.execute(
        "select status, period, replay_of from ops.batch where batch_id = %s", (batch_id,)
    ).fetchone()
    if row is None or row[0] not in ("landed", "audited", "held"):
        return
    watch = _Watch(conn, contract, batch_id, Shape.of(contract, row[1]))
    watch.reset()
    if row[2] is not None:
        watch.inherit(row[2])
    else:
        watch.renamed()
    watch.retyped()
    watch.unknown_codes()
    conn.execute(
        "update ops.drift_event set contract_hash = %s where batch_id = %s",
        (contract.sha256, batch_id),
    )


def note_fields(
    conn: psycopg.Connection[Any], contract: Contract, batch_id: int, pull_id: int
) -> None:
    """Make the events of a batch say what its latest reading found of fields.

    A database may have a new column and the same rows: the batch is then the one of before.
    """
    row = conn.execute(
        "select p.kind, p.unknown_fields, p.absent_fields, b.status from ops.pull p, ops.batch b"
        " where p.pull_id = %s and b.batch_id = %s",
        (pull_id, batch_id),
    ).fetchone()
    if row is None:
        return
    kind, unknown, absent, status = row
    accepted = set(map(fields.harmless, fields.known(contract)))
    lacking = fields.optional(contract) & set(absent)
    found = {(name, "") for name in unknown if name not in accepted}
    found |= {("", name) for name in lacking}
    noted: set[tuple[str, str]] = set()
    for event, name, related in conn.execute(
        f"select kind, column_name, related {_OF_FIELDS}",  # noqa: S608  a constant
        (batch_id, FIELD, MISSING),
    ).fetchall():
        noted |= {("", name)} if event == "missing_column" else {(name, "")}
        noted |= {("", related)} if related else set()
    if found == noted:
        return
    conn.execute(f"delete {_OF_FIELDS}", (batch_id, FIELD, MISSING))  # noqa: S608
    where = "接口的记录" if kind == "api" else "数据库的表"
    for name in sorted(name for name, _ in found if name):
        _note_field(
            conn, contract, batch_id, "new_column", name, FIELD,
            f"{where}中出现契约以外的字段「{name}」，没有读取。 Unknown field, not read.",
        )  # fmt: skip
    for name in sorted(lacking):
        column = contract.column(name)
        _note_field(
            conn, contract, batch_id, "missing_column", name, MISSING,
            f"{where}都没有「{column.label}」（{fields.at_source(column)}），按空白读入。"
            " Optional field missing, landed blank.",
        )  # fmt: skip
    if status not in ("landed", "audited", "held"):  # others are observed after their audit
        _Watch(conn, contract, batch_id, Shape.of(contract, "")).renamed()


_OF_FIELDS = "from ops.drift_event where batch_id = %s and (rule_id = %s or rule_id = %s)"


def _note_field(
    conn: psycopg.Connection[Any], contract: Contract, batch_id: int, *event: str
) -> None:
    conn.execute(
        "insert into ops.drift_event (batch_id, file_no, dataset, contract_hash, kind,"
        " column_name, rule_id, detail) values (%s, 1, %s, %s, %s, %s, %s, %s)",
        (batch_id, contract.dataset, contract.sha256, *event),
    )


def covers(contract: Contract, event: Mapping[str, Any]) -> bool:
    """Tell whether ``contract`` says now what the event (a row of `events`) found missing in it."""
    kind, name = event["kind"], event["column_name"]
    columns = {column.name: column for column in contract.columns}
    if kind in ("new_column", "renamed_column"):
        if event["rule_id"] == FIELD:
            return name in map(fields.harmless, fields.known(contract))
        labels = Shape.of(contract, "").fields
        return any(clean_label(name) in known.labels for known in labels)
    if kind == "encoding":
        declared = csv.codec(contract.source.encoding)
        return declared is not None and declared == csv.codec(event["encoding"])
    if kind == "total":
        return False
    column = columns.get(name)
    if column is None:
        return True
    if kind == "retyped_column":
        return bool(column.logical_type == event["value"])
    if kind == "unknown_code":
        return column.codes is None or event["value"] in column.codes
    return False


def events(
    conn: psycopg.Connection[Any],
    contracts: Mapping[str, Contract],
    dataset: str | None = None,
    period: str | None = None,
    kind: str | None = None,
) -> list[dict[str, Any]]:
    """Return the events, newest first, each with its ``state``.

    ``past``: its batch is replaced or refused, or its file was read again. ``accepted``: the
    contract of today covers it. ``open``: else.
    """
    with conn.cursor(row_factory=dict_row) as cur:
        found = cur.execute(
            "select e.*, b.period, b.status as batch_status, f.path, f.sheet, f.encoding,"
            " exists (select from ops.batch_file g join ops.batch l using (batch_id)"
            "  where l.dataset = b.dataset and l.period = b.period and g.path = f.path"
            "  and g.batch_id > b.batch_id and l.status <> 'failed') as read_again"
            " from ops.drift_event e join ops.batch b using (batch_id)"
            " left join ops.batch_file f using (batch_id, file_no)"
            " where (%(dataset)s::text is null or e.dataset = %(dataset)s)"
            " and (%(period)s::text is null or b.period = %(period)s)"
            " and (%(kind)s::text is null or e.kind = %(kind)s) order by e.event_id desc",
            {"dataset": dataset, "period": period, "kind": kind},
        ).fetchall()
    for event in found:
        contract = contracts.get(event["dataset"])
        if event["batch_status"] not in _OPEN or event["read_again"] or contract is None:
            event["state"] = "past"
        else:
            event["state"] = "accepted" if covers(contract, event) else "open"
    return found


@dataclass
class _Watch:
    """One batch under observation."""

    conn: psycopg.Connection[Any]
    contract: Contract
    batch_id: int
    shape: Shape

    @property
    def table(self) -> sql.Identifier:
        return sql.Identifier("raw", f"{self.contract.dataset}__b{self.batch_id}")

    @property
    def fields(self) -> bool:
        """Whether these are records of an API or a database, whose header is ours."""
        return self.contract.source.layout == "records"

    def reset(self) -> None:
        """Go back to what landing noted."""
        self.conn.execute(
            "insert into ops.drift_event (batch_id, file_no, dataset, kind, column_name, rule_id)"
            " select batch_id, file_no, dataset, 'missing_column', related, %s"
            " from ops.drift_event where batch_id = %s and kind = 'renamed_column'",
            (MISSING, self.batch_id),
        )
        self.conn.execute(
            "update ops.drift_event set kind = 'new_column', related = null,"
            " detail = split_part(detail, ' 看来就是', 1)"
            " where batch_id = %s and kind = 'renamed_column'",
            (self.batch_id,),
        )
        self.conn.execute(
            "delete from ops.drift_event where batch_id = %s"
            " and kind in ('retyped_column', 'unknown_code')",
            (self.batch_id,),
        )

    def inherit(self, origin: int) -> None:
        """Rows judged again differ still in what the contract has not learnt since."""
        self.conn.execute("delete from ops.drift_event where batch_id = %s", (self.batch_id,))
        for event in events(self.conn, {}, self.contract.dataset):
            if event["batch_id"] != origin or event["rule_id"] in (RETYPED, CODE):
                continue
            if not covers(self.contract, event):
                self.conn.execute(
                    "insert into ops.drift_event (batch_id, file_no, dataset, kind, column_name,"
                    " rule_id, detail, suggestion, related, occurrences, value)"
                    " select %s, file_no, dataset, kind, column_name, rule_id, detail, suggestion,"
                    " related, occurrences, value from ops.drift_event where event_id = %s",
                    (self.batch_id, event["event_id"]),
                )

    # -- columns -------------------------------------------------------------------------------

    def renamed(self) -> None:
        """Pair new columns with missing ones of the same file, and write the suggestions."""
        pairs = self.conn.execute(
            "select distinct n.column_name, m.column_name from ops.drift_event n"
            " join ops.drift_event m using (batch_id, file_no)"
            " where batch_id = %s and n.kind = 'new_column' and m.kind = 'missing_column'",
            (self.batch_id,),
        ).fetchall()
        by_name = {known.name: known for known in self.shape.fields}
        scored = sorted(
            (
                (score, label, name)
                for label, name in pairs
                if name in by_name and (score := self._fit(label, by_name[name])) > 0
            ),
            reverse=True,
        )
        taken: set[str] = set()
        for _, label, name in scored:
            if label in taken or name in taken:
                continue
            taken |= {label, name}
            self._rename(label, name)
        for label, rows in self.conn.execute(
            "select e.column_name, count(distinct (x.file_no, x.row_no))"
            " filter (where x.row_no is not null) from ops.drift_event e"
            " left join raw.extra_value x on x.batch_id = e.batch_id and x.file_no = e.file_no"
            '  and x."values" ? e.column_name'
            " where e.batch_id = %s and e.kind in ('new_column', 'renamed_column') group by 1",
            (self.batch_id,),
        ).fetchall():
            self.conn.execute(
                "update ops.drift_event set occurrences = %s,"
                " suggestion = case kind when 'new_column' then %s else suggestion end"
                " where batch_id = %s and column_name = %s"
                " and kind in ('new_column', 'renamed_column')",
                (rows if not self.fields else None, self._as_column(label), self.batch_id, label),
            )
        for name in {
            name
            for (name,) in self.conn.execute(
                "select column_name from ops.drift_event where batch_id = %s"
                " and kind = 'missing_column'",
                (self.batch_id,),
            ).fetchall()
        }:
            self.conn.execute(
                "update ops.drift_event set suggestion = %s where batch_id = %s"
                " and kind = 'missing_column' and column_name = %s",
                (
                    f"# 请报送单位补上这一列；以后都不再报送时，从 properties 中删去 {name}",
                    self.batch_id,
                    name,
                ),
            )
        declared = self.conn.execute(
            "select event_id, f.encoding from ops.drift_event join ops.batch_file f"
            " using (batch_id, file_no) where batch_id = %s and kind = 'encoding'",
            (self.batch_id,),
        ).fetchall()
        for event_id, encoding in declared:
            self.conn.execute(
                "update ops.drift_event set suggestion = %s where event_id = %s",
                (f"- {{property: encoding, value: {(encoding or '').upper()}}}", event_id),
            )

    def _rename(self, label: str, name: str) -> None:
        column = self.contract.column(name)
        # Of a field one name counts, the first; a file may have any of them.
        names = (label,) if self.fields else (*column.aliases, label)
        aliases = ", ".join(map(_yaml, names))
        self.conn.execute(
            "update ops.drift_event n set kind = 'renamed_column', related = %s, suggestion = %s,"
            " detail = n.detail || %s where n.batch_id = %s and n.kind = 'new_column'"
            " and n.column_name = %s and exists (select from ops.drift_event m"
            "  where m.batch_id = n.batch_id and m.file_no = n.file_no"
            "  and m.kind = 'missing_column' and m.column_name = %s)",
            (
                name,
                f"- name: {name}\n  customProperties:\n"
                f"    - {{property: aliases, value: [{aliases}]}}",
                f" 看来就是「{column.label}」改了名。 It seems to be {name}, renamed.",
                self.batch_id,
                label,
                name,
            ),
        )
        self.conn.execute(
            "delete from ops.drift_event m using ops.drift_event n"
            " where m.batch_id = %s and n.batch_id = m.batch_id and n.file_no = m.file_no"
            " and m.kind = 'missing_column' and m.column_name = %s"
            " and n.kind = 'renamed_column' and n.column_name = %s",
            (self.batch_id, name, label),
        )

    def _beside(self, label: str) -> list[str]:
        return [
            value
            for (value,) in self.conn.execute(
                'select "values" ->> %s from raw.extra_value where batch_id = %s and "values" ? %s'
                " limit %s",
                (label, self.batch_id, label, _SAMPLE),
            ).fetchall()
        ]

    def _fit(self, label: str, known: Field) -> float:
        """Return how well a new column fits a missing one; 0: it is another one.

        A header must look alike; less so when the values speak for it, not at all against them.
        """
        alike = self._alike(label, known)
        values = self._beside(label)
        evidence = self._evidence(values, self.contract.column(known.name)) if values else None
        if evidence is None:
            return alike if alike >= LIKELY else 0
        needed = 0.25 if evidence >= 0.9 else 0.5 if evidence >= 0.5 else 2
        return alike + evidence if alike >= needed else 0

    def _alike(self, label: str, known: Field) -> float:
        if not self.fields:
            return similarity(label, known)
        path = fields.at_source(self.contract.column(known.name))
        (above, _, name), (parent, _, last) = path.rpartition("."), label.rpartition(".")
        if above == parent:  # what they share by their place says nothing
            path, label = name, last
        return similarity(label, replace(known, labels=frozenset({clean_label(path)})))

    def _evidence(self, values: Sequence[str], column: Column) -> float | None:
        """Share of ``values`` that could be of ``column``; None when nothing is known of it."""
        if column.codes:
            return sum(v.strip() in column.codes for v in values) / len(values)
        if column.logical_type in _TYPES:
            seen = self._types(values)
            return seen[column.logical_type] / seen["filled"] if seen["filled"] else None
        former = self._former(column.name)
        if len(former) < _ENOUGH:
            return None
        ours, theirs = _forms(values), _forms(former)
        return sum(min(share, theirs[form]) for form, share in ours.items())

    def _former(self, name: str) -> list[str]:
        """Return a sample of a column of the rows published before."""
        if not self._published(name):
            return []
        query = sql.SQL(
            "select {0} from raw.{1} r where _batch_id <> {2} and edu.is_filled({0}) limit {3}"
        ).format(
            sql.Identifier(name),
            sql.Identifier(self.contract.dataset),
            sql.Literal(self.batch_id),
            sql.Literal(_SAMPLE),
        )
        return [value for (value,) in self.conn.execute(query).fetchall()]

    def _published(self, name: str) -> bool:
        found = self.conn.execute(
            "select 1 from pg_attribute where attrelid = to_regclass(%s) and attname = %s"
            " and not attisdropped",
            (f'raw."{self.contract.dataset}"', name),
        ).fetchone()
        return found is not None

    def _types(self, values: Sequence[str]) -> Counter[str]:
        row = self.conn.execute(
            "select count(*) filter (where not edu.is_no_data(v)),"
            " count(*) filter (where edu.is_integer(v)),"
            " count(*) filter (where edu.is_number(v)), count(*) filter (where edu.is_date(v))"
            " from unnest(%s::text[]) as v",
            (list(values),),
        ).fetchone()
        return Counter(
            dict(zip(("filled", "integer", "number", "date"), row or (0,) * 4, strict=True))
        )

    def _type_of(self, values: Sequence[str]) -> str | None:
        """Return the type that nearly all values have, ``string`` when nearly none has another."""
        seen = self._types(values)
        if seen["filled"] < _ENOUGH:
            return None
        for kind in ("date", "integer", "number"):
            if seen[kind] >= 0.95 * seen["filled"]:
                return kind
        return "string" if seen["number"] + seen["date"] <= 0.05 * seen["filled"] else None

    def _as_column(self, label: str) -> str:
        """Return a contract column to paste for an unknown header."""
        values = self._beside(label)
        kind = self._type_of(values) or "string"
        name = re.sub(r"[^a-z0-9]+", "_", clean_label(label)).strip("_")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            name = "new_column  # 请起一个英文名"
        personal = _PERSONAL.search(label) or any(re.search(r"\d{11}", v) for v in values)
        lines = [f"- name: {name}", f"  businessName: {_yaml(label)}", f"  logicalType: {kind}"]
        lines += ["  classification: personal-direct"] if personal else []
        if self.fields:
            lines += [
                "  customProperties:",
                f"    - {{property: aliases, value: [{_yaml(label)}]}}",
                f"# 不需要读取时，在 servers 的 options 中写 unread: [{_yaml(label)}]",
            ]
        return "\n".join(lines)

    def retyped(self) -> None:
        """Note columns whose values are mostly of another type than the contract says."""
        failed = self._failed("TYP")
        for column in self.contract.columns:
            if column.logical_type in _TYPES:
                if column.name in failed:
                    self._mistyped(column)
            elif column.logical_type == "string" and not column.codes:
                self._changed(column)

    def _failed(self, kind: str) -> set[str]:
        """Return the columns whose derived rule accused somebody in the latest audit."""
        prefix = f"{self.contract.prefix}-{kind}-"
        return {
            rule_id.removeprefix(prefix)
            for (rule_id,) in self.conn.execute(
                "select rule_id from quality.check_result where batch_id = %s"
                " and starts_with(rule_id, %s) and status = 'failed'",
                (self.batch_id, prefix),
            ).fetchall()
        }

    def _sample(self, name: str) -> list[str]:
        query = sql.SQL("select {0} from {1} where edu.is_filled({0}) limit {2}").format(
            sql.Identifier(name), self.table, sql.Literal(_SAMPLE)
        )
        return [value for (value,) in self.conn.execute(query).fetchall()]

    def _mistyped(self, column: Column) -> None:
        query = sql.SQL(
            "select count(*) filter (where not edu.is_no_data({0})),"
            " count(*) filter (where {1}({0})), min(_file) from {2}"
        ).format(
            sql.Identifier(column.name),
            sql.SQL(_TYPES[column.logical_type]),
            self.table,
        )
        filled, good, file_no = self.conn.execute(query).fetchone() or (0, 0, 1)
        if filled < _ENOUGH or good >= filled / 2:
            return
        now = self._type_of(self._sample(column.name)) or "string"
        self._note_type(
            column, column.logical_type, now, file_no, filled - good,
            f"{filled} 个值中只有 {good} 个是{_TYPE_ZH[column.logical_type]}",
        )  # fmt: skip

    def _changed(self, column: Column) -> None:
        """Compare a text column with the rows published before: codes that became names, say."""
        if self.contract.scope == "school":
            return  # another school's habits are no change of this one's
        now = self._type_of(self._sample(column.name))
        before = self._type_of(self._former(column.name)) if now else None
        if now and before and now != before and "string" in (now, before):
            self._note_type(
                column, before, now, 1, None, f"以前都是{_TYPE_ZH[before]}，本批都是{_TYPE_ZH[now]}"
            )

    def _note_type(
        self, column: Column, before: str, now: str, file_no: int, rows: int | None, why: str
    ) -> None:
        self._add(
            file_no, "retyped_column", column.name, RETYPED,
            f"「{column.label}」{why}。 {column.name} was {before}, is {now}.",
            f"- name: {column.name}\n  logicalType: {now}", None, rows, now,
        )  # fmt: skip

    # -- codes ---------------------------------------------------------------------------------

    def unknown_codes(self) -> None:
        """Note the values outside the code lists, most frequent first."""
        failed = self._failed("COD")
        for column in self.contract.columns:
            if column.codes and column.name in failed:
                self._codes_of(column, column.codes)

    def _codes_of(self, column: Column, codes: Mapping[str, str]) -> None:
        query = sql.SQL(
            "select edu.clean({0}) as v, count(*), min(_file), min(_row) from {1}"
            " where edu.clean({0}) <> all({2}) group by 1 order by 2 desc, 1"
        ).format(sql.Identifier(column.name), self.table, sql.Literal(list(codes)))
        found = self.conn.execute(query).fetchall()
        hidden_kinds = hidden_rows = shown = 0
        for value, count, file_no, row in found:
            near = nearest(value, codes)
            if shown >= _CODES or not self._showable(column, value, count, near):
                hidden_kinds, hidden_rows = hidden_kinds + 1, hidden_rows + count
                continue
            shown += 1
            guess = f"，像是「{near}」" if near else ""
            meaning = _yaml(codes[near]) if near else "?  # 请填写含义"
            self._add(
                file_no, "unknown_code", column.name, CODE,
                f"「{column.label}」有 {count} 行填写「{value}」，不在代码表中{guess}"
                f"（首见第 {row} 行）。 Unknown code.",
                f"# {self._list_of(column)}\n{_yaml(value)}: {meaning}", near, count, value,
            )  # fmt: skip
        if hidden_kinds:
            self._add(
                found[0][2], "unknown_code", column.name, CODE,
                f"「{column.label}」另有 {hidden_rows} 行、{hidden_kinds} 种值不在代码表中，"
                "可能含个人信息，不在此列出，见隔离区。 Other values, not shown.",
                "# 请报送单位改正 / to be corrected by the sender", None, hidden_rows, None,
            )  # fmt: skip

    def _showable(self, column: Column, value: str, count: int, near: str | None) -> bool:
        """Tell whether a value is a code and cannot be a person's that slipped into the column."""
        if column.personal or len(value) > 20 or re.search(r"\d{6}", value):
            return False
        if count < _SEEN_OFTEN and near is None and not re.fullmatch(r"[!-~]{1,3}", value):
            return False
        people = [c.name for c in self.contract.columns if c.personal]
        if not people:
            return True
        query = sql.SQL("select exists (select from {} where edu.clean({}) in ({}))").format(
            self.table,
            sql.Literal(value),
            sql.SQL(", ").join(sql.SQL("edu.clean({})").format(sql.Identifier(n)) for n in people),
        )
        return self.conn.execute(query).fetchone() == (False,)

    def _list_of(self, column: Column) -> str:
        """Say where the codes of a column are written."""
        import yaml

        shared = self.contract.path.parent.parent / "code_lists.yaml"
        if shared.is_file():
            for name, codes in (yaml.safe_load(shared.read_text("utf-8")) or {}).items():
                listed = {str(k): str(v) for k, v in codes.items()}
                if listed == dict(column.codes or {}):
                    return f"expectations/code_lists.yaml → {name}"
        return f"{self.contract.path.name} → {column.name}.codes"

    def _add(self, *event: Any) -> None:
        self.conn.execute(
            "insert into ops.drift_event (batch_id, dataset, file_no, kind, column_name, rule_id,"
            " detail, suggestion, related, occurrences, value)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (self.batch_id, self.contract.dataset, *event),
        )


def nearest(value: str, codes: Mapping[str, str]) -> str | None:
    """Return the code that ``value`` seems to stand for: by its meaning, else by its looks."""
    text = clean_label(value)
    for code, meaning in codes.items():
        if text and text in (clean_label(code), clean_label(meaning)):
            return code
    scored = [
        (similarity(value, Field(code, code, frozenset({clean_label(code)}), False, False, False)),
         code)
        for code in codes
    ]  # fmt: skip
    best = max((score for score, _ in scored), default=0)
    first = [code for score, code in scored if score == best]
    # One character of a longer code (汉 of 汉族) is a hint when it is the only such code.
    within = [code for code in codes if text and text in clean_label(code)]
    return first[0] if best >= 0.5 else within[0] if len(within) == 1 else None


def _forms(values: Iterable[str]) -> defaultdict[str, float]:
    """Return the shares of the forms of ``values``: digits, letters and others, and the length."""
    forms = Counter(
        re.sub(r"[^\W\d_a-zA-Z]+", "字", re.sub("[a-zA-Z]", "a", re.sub(r"\d", "9", v.strip())))[
            :30
        ]
        for v in values
    )
    total = sum(forms.values()) or 1
    return defaultdict(float, {form: count / total for form, count in forms.items()})


def _yaml(text: str) -> str:
    """Return ``text`` as one YAML scalar: quoted unless plain Chinese or letters."""
    plain = re.fullmatch(r"[^\W\d_]+", text) and text.lower() not in ("yes", "no", "true", "null")
    return text if plain else json.dumps(text, ensure_ascii=False)
