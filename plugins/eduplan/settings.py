"""Every setting of eduplan: an ``EDUPLAN_…`` variable with a default that works."""

import datetime as dt
import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _project_dir() -> Path:
    """Folder that holds ``expectations/`` and ``dbt_project/`` (the checkout)."""
    return Path(os.environ.get("EDUPLAN_PROJECT_DIR") or Path(__file__).resolve().parents[2])


class Settings(BaseSettings):
    """Settings of one installation; read once at the command line or DAG layer and passed down."""

    model_config = SettingsConfigDict(env_prefix="EDUPLAN_", frozen=True, extra="ignore")

    project_dir: Path = Field(default_factory=_project_dir)
    home: Path = Field(default_factory=lambda: _project_dir() / ".eduplan")
    """State of this installation: database, archive, logs, city, reports."""
    database_url: str | None = None
    """libpq URL of the warehouse; unset: the embedded PostgreSQL under ``home``."""
    source_root: Path = Field(default_factory=lambda: Path())
    demo_scale: float = Field(default=1.0, ge=0.01, le=18)
    demo_seed: int = 2025
    plan_version: str = "demo-2025-2027"
    borders: Path | None = None
    """The user's own GeoJSON of the counties for the scorecard; unset: a tile grid."""
    airflow_port: int = Field(default=8080, ge=1, le=65535)
    airflow_users: str = Field(default="", pattern=r"^([\w.-]+:(viewer|user|op|admin)?(,|$))*$")
    """More users of the local Airflow beside ``admin``: ``name:role,…``; no role: sees nothing.
    Their passwords stand beside the admin's. A server has Airflow's own users."""
    superset_port: int = Field(default=8088, ge=1, le=65535)
    superset_url: str | None = None
    """A Superset that others start, e.g. the one of docker-compose.yml; unset: ours."""
    pg_durable: bool = True
    """False switches fsync off in the embedded server: for throw-away test databases only."""
    suppression_threshold: int = Field(default=5, ge=0)
    """Counts of persons below this are not published (see ADR 13); 0 publishes everything."""
    docs_runs: int = Field(default=3, ge=1)
    """Data Docs are kept for the last so many batches of a dataset."""
    today: dt.date | None = None
    """The day that deadlines are counted to; unset: the clock's. The synthetic city has its own."""
    secure_channel: bool = False
    """True: defect reports and quarantine workbooks carry personal data, since the way they are
    handed over is approved for it; else it is masked."""
    review_days: float = Field(default=14, gt=0)
    """A held batch waits so long for a decision; then its request expires and it stays held."""
    alerts_file: Path | None = None
    """Routes of alerts; unset: ``alerts.yaml`` in the home, else the one of the project."""
    openlineage_url: str | None = None
    """OpenLineage receiver, e.g. http://marquez:5000; unset (and no file): no events at all."""
    openlineage_api_key: SecretStr | None = None
    openlineage_namespace: str = "eduplan"
    openlineage_file: Path | None = None
    """Append OpenLineage events to this file instead of sending them."""
    access_file: Path | None = None
    """Logins of readers; unset: ``access.yaml`` in the home, else the one of the project."""
    role_prefix: str = Field(default="eduplan", pattern=r"^[a-z][a-z0-9_]{0,23}$")
    """Roles of readers begin with it: several warehouses on one server need one each."""

    def model_post_init(self, _context: object) -> None:
        """Resolve the paths that depend on ``home`` so that relative ones never move with cwd."""
        home = self.home.expanduser().resolve()
        object.__setattr__(self, "home", home)
        object.__setattr__(self, "project_dir", self.project_dir.expanduser().resolve())
        source = home / "city" if self.source_root == Path() else self.source_root.expanduser()
        object.__setattr__(self, "source_root", source.resolve())

    @property
    def expectations_dir(self) -> Path:
        """Folder of the data contracts."""
        return self.project_dir / "expectations"

    @property
    def dbt_dir(self) -> Path:
        """Folder of the dbt project."""
        return self.project_dir / "dbt_project"

    @property
    def archive_dir(self) -> Path:
        """Delivered bytes, kept by content hash."""
        return self.home / "archive"

    @property
    def mirror_dir(self) -> Path:
        """Local copies of remote folders, one for each dataset."""
        return self.home / "mirror"

    @property
    def spool_dir(self) -> Path:
        """What is read from APIs and databases, until it is landed."""
        return self.home / "spool"

    @property
    def docs_dir(self) -> Path:
        """Great Expectations Data Docs, without personal data."""
        return self.home / "data_docs"

    @property
    def dbt_docs_dir(self) -> Path:
        """Documentation of the dbt project."""
        return self.home / "dbt_docs"

    @property
    def report_dir(self) -> Path:
        """Scorecard pages."""
        return self.home / "report"

    @property
    def site_dir(self) -> Path:
        """Static site: the scorecard and a page for each county and indicator."""
        return self.home / "site"

    @property
    def outbox_dir(self) -> Path:
        """Workbooks for senders, a folder each."""
        return self.home / "outbox"

    @property
    def logs_dir(self) -> Path:
        """Logs of every process started by eduplan."""
        return self.home / "logs"


def load_settings() -> Settings:
    """Read the settings from the environment."""
    return Settings()
