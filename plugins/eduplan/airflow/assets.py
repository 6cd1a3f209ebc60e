"""Names of the assets that publishing a dataset updates."""

from airflow.sdk import Asset

SCHEME = "x-edu"


def published(dataset: str) -> Asset:
    """Return the asset of a dataset's published rows, e.g. ``x-edu://published/students``."""
    return Asset(name=f"published/{dataset}", uri=f"{SCHEME}://published/{dataset}")
