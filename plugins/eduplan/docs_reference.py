"""The dataset reference (``docs/reference/datasets.md``), generated from the contracts.

``python -m eduplan.docs_reference`` writes it again; a test fails while it differs from the
contracts.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from eduplan.contract import Column, Contract, Rule, load_contracts
from eduplan.settings import load_settings

TARGET = Path("docs/reference/datasets.md")

_SEVERITY = {"critical": "严重 critical", "warning": "警告 warning", "info": "提示 info"}
_DIMENSION = {
    "completeness": "完整性",
    "accuracy": "准确性",
    "consistency": "一致性",
    "uniqueness": "唯一性",
    "validity": "规范性",
    "timeliness": "及时性",
}
_PERIOD = {
    "school_year": "学年 school year",
    "fiscal_year": "财政年度 fiscal year",
    "year": "年 year",
    "none": "不分期 none",
}
_SCOPE = {
    "period": "替换本期 the period",
    "full": "替换全部 everything",
    "school": "替换本期所报的学校 its schools in the period",
    "key": "替换同一主键的行 the rows of its keys",
}
_SHOWN_CODES = 12


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("\n", " ")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]
    return [*lines, ""]


def _column_rules(contract: Contract, column: Column) -> str:
    kinds = {"REQ": "必填", "COD": "代码", "TYP": "类型", "UNQ": "唯一"}
    ids = {rule.id for rule in contract.rules if rule.derived}
    marks = [zh for kind, zh in kinds.items() if f"{contract.prefix}-{kind}-{column.name}" in ids]
    return " ".join((["主键"] if column.key else []) + marks)


def _codes(column: Column) -> str:
    if not column.codes:
        return ""
    shown = [
        code if code == meaning or not meaning or meaning.isdigit() else f"{code}={meaning}"
        for code, meaning in list(column.codes.items())[:_SHOWN_CODES]
    ]
    more = len(column.codes) - len(shown)
    return "、".join(shown) + (f" …(另 {more} 个 {more} more)" if more > 0 else "")


def _rule_row(rule: Rule) -> tuple[str, ...]:
    level = "行 row" if rule.level == "row" else "表 table"
    return (
        rule.id,
        _SEVERITY[rule.severity],
        level,
        _DIMENSION[rule.dimension],
        f"{rule.sentence_zh}<br>{rule.sentence_en}",
        rule.fix_zh,
    )


def _place(contract: Contract) -> str:
    """Files by their path; an API or a database by connection and resource or table."""
    source = contract.source
    if source.kind == "file":
        return source.path
    return f"{source.connection}: {source.options.get('resource') or source.options.get('table')}"


def _facts(contract: Contract) -> list[tuple[str, str]]:
    first, last = contract.period_range
    period = _PERIOD[contract.period_kind]
    if contract.period_kind != "none":
        period += f"，{first} – {last}"
    facts = [
        ("责任单位 owner", contract.owner),
        ("数据管理员 steward", contract.steward),
        ("来源 source", f"`{_place(contract)}`"),
        ("版式 layout", contract.source.layout),
        ("期间 period", period),
        ("一次报送 a delivery replaces", _SCOPE[contract.scope]),
        ("截止日期 deadline", contract.sla.get("deadline", "")),
        ("容许隔离率 max reject rate", f"{contract.max_reject_rate:.0%}"),
        ("依赖 depends on", "、".join(contract.depends_on) or "–"),
        ("版本 version", contract.version),
    ]
    unit = contract.source.options.get("unit")
    if unit:
        facts.insert(4, ("单位 unit", str(unit)))
    return facts


def dataset_section(contract: Contract) -> list[str]:
    """Markdown lines of one dataset: facts, columns with their derived rules, explicit rules."""
    lines = [
        f"## {contract.dataset}",
        "",
        f"**{contract.title_zh}** · {contract.title_en}",
        "",
        contract.description,
        "",
    ]
    lines += _table(("", ""), _facts(contract))
    lines += _table(
        (
            "列 column",
            "表头 header",
            "类型 type",
            "检查 checks",
            "个人信息",
            "别名 aliases",
            "说明 notes",
        ),
        (
            (
                f"`{column.name}`",
                column.label,
                column.logical_type,
                _column_rules(contract, column),
                {"direct": "直接 direct", "indirect": "间接 indirect"}.get(
                    column.personal or "", ""
                ),
                "、".join(column.aliases),
                " ".join(part for part in (column.description, _codes(column)) if part),
            )
            for column in contract.columns
        ),
    )
    explicit = [rule for rule in contract.rules if not rule.derived]
    if explicit:
        lines += _table(
            ("规则 rule", "级别 severity", "对象 level", "维度", "说明 sentence", "如何改正 fix"),
            map(_rule_row, explicit),
        )
    return lines


def render_reference(contracts: Mapping[str, Contract]) -> str:
    """The whole reference as Markdown, the same text for the same contracts."""
    rules = sum(len(contract.rules) for contract in contracts.values())
    lines = [
        "# 数据集 Datasets",
        "",
        "由 `expectations/` 中的数据契约生成，请勿手工修改：`python -m eduplan.docs_reference`。",
        "Generated from the contracts in `expectations/`; do not edit.",
        "",
        f"{len(contracts)} 个数据集，{rules} 条规则。"
        f" {len(contracts)} datasets with {rules} rules, those derived from columns included"
        " (必填 required, 代码 code list, 类型 type, 唯一 unique, 主键 key: all critical).",
        "",
        "严重：该行隔离，超过容许隔离率或违反表级规则时整批待处理；警告：发布并标记；提示：只计数。",
        "Critical: the row is quarantined; above the max reject rate, or for a table rule, the"
        " batch is held. Warning: published and flagged. Info: counted.",
        "",
    ]
    lines += _table(
        ("数据集 dataset", "名称 title", "列", "规则", "责任单位 owner", "截止 deadline"),
        (
            (
                f"[{contract.dataset}](#{contract.dataset})",
                contract.title_zh,
                str(len(contract.columns)),
                str(len(contract.rules)),
                contract.owner,
                contract.sla.get("deadline", ""),
            )
            for contract in contracts.values()
        ),
    )
    for contract in contracts.values():
        lines += dataset_section(contract)
    return "\n".join(lines).rstrip() + "\n"


def describe(contract: Contract) -> str:
    """One contract as plain text, for a terminal."""
    lines = [f"{contract.dataset}  {contract.title_zh}  ({contract.title_en})", ""]
    lines += [f"  {name}: {value.strip('`')}" for name, value in _facts(contract)]
    lines += ["", "  列 columns"]
    for column in contract.columns:
        checks = _column_rules(contract, column)
        lines.append(
            f"    {column.name}  「{column.label}」  {column.logical_type}  {checks}".rstrip()
        )
    lines += ["", "  规则 rules"]
    for rule in contract.rules:
        if not rule.derived:
            lines.append(f"    {rule.id}  {_SEVERITY[rule.severity]}  {rule.sentence_zh}")
    return "\n".join(lines) + "\n"


def write_reference(contracts: Mapping[str, Contract], project_dir: Path) -> Path:
    """Write the reference below ``project_dir``; returns its path."""
    target = project_dir / TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render_reference(contracts), encoding="utf-8")
    return target


if __name__ == "__main__":
    settings = load_settings()
    write_reference(load_contracts(settings.expectations_dir), settings.project_dir)
