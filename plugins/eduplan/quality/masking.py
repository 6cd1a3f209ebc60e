"""How a value of personal data is shown to people who need not know it."""

from eduplan.contract import Contract

STAR = "＊"


def mask(value: str | None) -> str | None:
    """Return the first character and three stars; a single character becomes stars alone.

    The length tells nothing: an ID number and a name look alike.
    """
    if value is None or value == "":
        return value
    return (value[0] if len(value) > 1 else "") + STAR * 3


def masked_columns(contract: Contract) -> frozenset[str]:
    """Return the columns whose values are masked: all that the contract classifies as personal.

    A line that could not be split (``_line``) may hold anything and is one of them.
    """
    return frozenset({"_line", *(c.name for c in contract.columns if c.personal is not None)})
