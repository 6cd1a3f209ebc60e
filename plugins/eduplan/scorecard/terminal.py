"""The scorecard in a terminal: the same sentence, one table by action, at most 100 columns."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from eduplan.scorecard import wording
from eduplan.scorecard.query import Indicator, Scorecard

_STYLES = {
    "met": "bold green",
    "on_track": "green",
    "at_risk": "yellow",
    "off_track": "bold red",
}
WIDTH = 100


def render_terminal(card: Scorecard, console: Console) -> None:
    """Print ``card`` on ``console``; without colour every status still has a shape and a word."""
    t = wording.TEXTS[card.lang]
    width = min(WIDTH, console.width)
    console.print(Text(f"{card.plan_name} {t['scorecard']}", style="bold"), width=width)
    facts = [f"{t['version']} {card.plan_version}"]
    if card.periods:
        facts.append(f"{t['period']} {' · '.join(card.periods)}")
    if card.as_of is not None:
        facts.append(f"{t['as_of']} {card.as_of:%Y-%m-%d %H:%M %Z}")
    console.print(Text(" · ".join(facts), style="dim"), width=width)
    if card.is_demonstration:
        console.print(Text(f"[{t['demonstration']}]", style="yellow"), width=width)
    line = Text()
    for piece, strong in wording.sentence(card):
        line.append(piece, style="bold" if strong else "")
    console.print(line, width=width)
    headed = False
    for action in card.actions:
        shown = [i for i in action.indicators if i.city.status != "no_data"]
        badge = wording.action_badge(action.code, card.lang)
        name = wording.action_name(action.code, action.name, card.lang)
        heading = Text(f"\n{badge}  {name}", style="bold")
        silent = len(action.indicators) - len(shown)
        if silent:
            word = wording.WORDS[card.lang]["no_data"]
            heading.append(f"  {wording.GLYPHS['no_data']} {word} {silent}", style="dim")
        console.print(heading, width=width)
        if shown:
            console.print(_table(shown, card, width, headed))
            headed = True
    _quality(card, console, width)


def _table(indicators: list[Indicator], card: Scorecard, width: int, headed: bool) -> Table:
    t = wording.TEXTS[card.lang]
    table = Table(
        box=None,
        width=width,
        pad_edge=False,
        header_style="dim",
        show_edge=False,
        show_header=not headed,
    )
    table.add_column(t["status"], width=11, no_wrap=True)
    table.add_column(t["indicator"], ratio=1, overflow="fold")
    table.add_column(t["value"], justify="right", width=18)
    table.add_column(t["should"], justify="right", width=9, no_wrap=True)
    table.add_column(t["target"], justify="right", width=9, no_wrap=True)
    table.add_column(t["gap"], justify="right", width=12, no_wrap=True)
    for indicator in indicators:
        cell, places = indicator.city, wording.digits(indicator)
        word = f"{wording.GLYPHS[cell.status]} {wording.WORDS[card.lang][cell.status]}"
        value = wording.with_unit(cell.value, places, indicator.unit, card.lang)
        name = Text(wording.short_name(indicator, card.lang))
        notes = [wording.coverage_text(cell, card.lang)]
        if not cell.judged and indicator.threshold is not None:
            notes.append(" ".join(wording.standard(indicator, card.lang)).strip())
        notes += [text for text, _ in wording.beside(indicator, card.lang)[:1]]
        for note in filter(None, notes):
            name.append(f"  {note}", style="dim")
        gap = ""
        if cell.judged and cell.distance is not None:
            gap = wording.number(cell.distance, places)
            gap = f"+{gap}" if cell.distance > 0 and gap.strip("0.") else gap
        table.add_row(
            Text(word, style=_STYLES.get(cell.status, "dim")),
            name,
            value,
            wording.number(cell.trajectory, places) if cell.judged else "",
            wording.number(cell.final_target, places) if cell.judged else "",
            gap,
        )
    return table


def _quality(card: Scorecard, console: Console, width: int) -> None:
    t, quality = wording.TEXTS[card.lang], card.quality
    console.print(Text(f"\n{t['quality']}", style="bold"), width=width)
    console.print(
        f"{t['open_rows']} {quality.open_rows:,} · {t['held']} {len(quality.held)}", width=width
    )
    for batch in quality.held:
        text = (
            f"{batch.title} {batch.period} · {t['batch'].format(n=batch.batch_id)} {batch.reason}"
        )
        console.print(Text(f"  {wording.GLYPHS['off_track']} {text}", style="red"), width=width)
    for gap in quality.missing:
        text = t["missing_units"].format(n=gap.missing, total=gap.expected)
        console.print(f"  {t['not_reported']} {gap.region_name} {text}", width=width)
    if quality.absent:
        glue = "、" if card.lang == "zh" else "; "
        console.print(f"  {t['tasks_absent']} {glue.join(quality.absent)}", width=width)
