"""The models of the dbt project as plain SQL, without dbt and without a database.

A model is rendered with the macros of the project and a handful of dbt's own names: ``ref`` and
``source`` become names of relations, nothing is asked of a server, and a published dataset is read
as the contract describes it.
"""

import csv
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import jinja2
import sqlglot
import yaml
from sqlglot import exp

from eduplan.contract import Contract

REF = "dbt"
"""Schema of models and seeds in rendered SQL."""
_MACRO = re.compile(r"{%-?\s*macro\b.*?\bendmacro\s*-?%}", re.S)
_MACROS = """
{% macro published(dataset, columns) -%}
select {{ columns | join(', ') }}, period, batch_id from raw.{{ dataset }}
{%- endmacro %}
{% macro new_batches(dataset) -%} (batch_id) {%- endmacro %}
"""


class Project:
    """Models, seeds and macros below ``folder`` (the dbt project); ``contracts`` by dataset."""

    def __init__(self, folder: Path, contracts: Mapping[str, Contract]) -> None:
        self.folder = folder
        self.contracts = contracts
        self.models = {path.stem: path for path in sorted((folder / "models").rglob("*.sql"))}
        self.seeds = {path.stem: path for path in sorted((folder / "seeds").glob("*.csv"))}

    def seed(self, name: str) -> list[dict[str, str]]:
        """Return the rows of a seed."""
        with self.seeds[name].open(encoding="utf-8", newline="") as handle:
            return list(csv.DictReader(handle))

    def seed_columns(self, name: str) -> list[str]:
        """Return the header of a seed."""
        with self.seeds[name].open(encoding="utf-8", newline="") as handle:
            return next(csv.reader(handle))

    def query(self, model: str) -> exp.Query:
        """Return the parsed SELECT of a model."""
        text = self._environment.from_string(self.models[model].read_text("utf-8")).render()
        parsed = sqlglot.parse_one(text, read="postgres")
        if not isinstance(parsed, exp.Query):
            raise TypeError(f"{model} is no query")
        return parsed

    @cached_property
    def _environment(self) -> jinja2.Environment:
        # Not HTML: what is rendered is SQL of this project.
        environment = jinja2.Environment(extensions=["jinja2.ext.do"])  # noqa: S701
        variables = yaml.safe_load((self.folder / "dbt_project.yml").read_text("utf-8"))["vars"]
        known = environment.globals
        known.update(
            # A schema of its own: a common table expression may have the name of a model.
            ref=lambda name: f"{REF}.{name}",
            source=lambda schema, name: f"{schema}.{name}",
            var=lambda name, default=None: variables.get(name, default),
            config=lambda **_options: "",
            is_incremental=lambda: False,
            execute=False,
            this="this",
        )
        # In one text, since they call each other; ours stand for the two that ask a server.
        # What else such a file holds (a materialization) is dbt's own language.
        files = sorted((self.folder / "macros").glob("*.sql"))
        macros = [text for path in files for text in _MACRO.findall(path.read_text("utf-8"))]
        module = environment.from_string("".join([*macros, _MACROS])).module
        known.update(
            (name, macro)
            for name, macro in vars(module).items()
            if isinstance(macro, jinja2.runtime.Macro)
        )
        return environment
