"""Names of the assets that publishing a dataset updates."""

from pathlib import Path

from airflow.sdk import Asset

SCHEME = "x-edu"


def published(dataset: str) -> Asset:
    """Return the asset of a dataset's published rows, e.g. ``x-edu://published/students``."""
    return Asset(name=f"published/{dataset}", uri=f"{SCHEME}://published/{dataset}")


def datasets(expectations_dir: Path) -> list[str]:
    """Return the names of all datasets without reading their contracts: files are named so."""
    return sorted(p.name.removesuffix(".odcs.yaml") for p in expectations_dir.rglob("*.odcs.yaml"))
