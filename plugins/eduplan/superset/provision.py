"""Brings a running Superset to what the repository says: assets, roles, row rules, users.

Everything goes through the REST API, and everything may be done again: what is there already stays
untouched, what differs is set right, and what others made beside it is left alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from eduplan.errors import PlatformError
from eduplan.superset.assets import COUNTY_COLUMN, Assets
from eduplan.superset.rest import SupersetApi

COUNTY_ROLE = "eduplan_county_{code}"


@dataclass(frozen=True)
class User:
    """A user of Superset; ``county`` is a region code for those who see one county only."""

    username: str
    name: str
    roles: tuple[str, ...]
    county: str | None


@dataclass(frozen=True)
class Access:
    """What ``bi/access.yaml`` says: roles with their permissions, and users."""

    roles: Mapping[str, frozenset[tuple[str, str]]]
    """{role: {(permission, view)}}."""
    whole_city: frozenset[str]
    """Roles that read all rows: every dataset, every dashboard."""
    users: tuple[User, ...]


def load_access(path: Path) -> Access:
    """Read the roles and users of Superset."""
    found = yaml.safe_load(path.read_text("utf-8"))
    return Access(
        {
            name: frozenset((p, view) for view, ps in role.get("may", {}).items() for p in ps)
            for name, role in found["roles"].items()
        },
        frozenset(name for name, role in found["roles"].items() if role.get("whole_city")),
        tuple(
            User(
                u["username"],
                u["name"],
                tuple(u.get("roles", ())),
                str(u["county"]) if "county" in u else None,
            )
            for u in found["users"]
        ),
    )


def provision(
    api: SupersetApi,
    assets: Assets,
    access: Access,
    counties: Mapping[str, str],
    city: str,
    county_datasets: set[str],
    passwords: Mapping[str, str],
) -> None:
    """Set roles, row rules, dashboard roles and users right.

    ``counties`` is {region code: name} of all counties, ``city`` the code of the whole city,
    ``county_datasets`` the tables with rows about one place; ``passwords`` {user: password}.
    """
    roles = _roles(api, access, assets, counties)
    datasets = {d["uuid"]: d for d in api.items("dataset", "id", "uuid", "table_name")}
    tables = sorted(
        datasets[uuid]["id"]
        for uuid, content in assets.by_uuid("datasets").items()
        if content["table_name"] in county_datasets
    )
    _row_rules(api, {code: roles[COUNTY_ROLE.format(code=code)] for code in counties}, city, tables)
    readers = [roles[COUNTY_ROLE.format(code=code)] for code in counties]
    readers += [roles[name] for name in access.whole_city]
    _dashboards(api, assets, sorted(readers))
    _users(api, access, roles, passwords)


def _roles(
    api: SupersetApi, access: Access, assets: Assets, counties: Mapping[str, str]
) -> dict[str, int]:
    """Create our roles with their permissions; return {name: id} of all roles."""
    known = {r["name"]: r["id"] for r in api.items("security/roles", "id", "name")}
    ours = assets.by_uuid("databases")
    databases = {
        ("database_access", f"[{d['database_name']}].(id:{d['id']})")
        for d in api.items("database", "id", "uuid", "database_name")
        if d["uuid"] in ours
    }
    wanted = {
        name: may | databases if name in access.whole_city else may
        for name, may in access.roles.items()
    }
    # A county's role has no permission of its own: row rules and dashboards hang on it.
    wanted |= {COUNTY_ROLE.format(code=code): frozenset() for code in counties}
    for name in wanted:
        if name not in known:
            known[name] = api.call("POST", "security/roles/", json={"name": name})["id"]
    ids = {
        (p["permission"]["name"], p["view_menu"]["name"]): p["id"]
        for p in api.items(
            "security/permissions-resources", "id", "permission.name", "view_menu.name"
        )
    }
    for name, permissions in wanted.items():
        missing = sorted(str(p) for p in permissions if p not in ids)
        if missing:
            raise PlatformError(
                f"Superset does not know these permissions of role {name}: {', '.join(missing)}",
                hint="see bi/access.yaml; is Superset of the locked version?",
            )
        chosen = sorted(ids[p] for p in permissions)
        have = api.call("GET", f"security/roles/{known[name]}/permissions/")["result"]
        if sorted(p["id"] for p in have) != chosen:
            api.call(
                "POST",
                f"security/roles/{known[name]}/permissions",
                json={"permission_view_menu_ids": chosen},
            )
    return known


def _row_rules(api: SupersetApi, roles: Mapping[str, int], city: str, tables: list[int]) -> None:
    """Let each county's role see the rows of its county and of the whole city, nothing else."""
    known = {r["name"]: r["id"] for r in api.items("rowlevelsecurity", "id", "name")}
    for code, role in roles.items():
        rule = {
            "name": COUNTY_ROLE.format(code=code),
            "description": "eduplan: rows of one county and of the whole city",
            "filter_type": "Regular",
            "tables": tables,
            "roles": [role],
            "group_key": COUNTY_COLUMN,
            "clause": f"{COUNTY_COLUMN} in ('{code}', '{city}')",
        }
        if rule["name"] not in known:
            api.call("POST", "rowlevelsecurity/", json=rule)
            continue
        have = api.call("GET", f"rowlevelsecurity/{known[rule['name']]}")["result"]
        have["tables"] = sorted(t["id"] for t in have["tables"])
        have["roles"] = [r["id"] for r in have["roles"]]
        if any(have[key] != value for key, value in rule.items()):
            api.call("PUT", f"rowlevelsecurity/{known[rule['name']]}", json=rule)


def _dashboards(api: SupersetApi, assets: Assets, roles: list[int]) -> None:
    """Open our dashboards, and no others, to those who may see them."""
    ours = assets.by_uuid("dashboards")
    for found in api.items("dashboard", "id", "uuid", "roles.id"):
        if found["uuid"] in ours and sorted(r["id"] for r in found["roles"]) != roles:
            api.call("PUT", f"dashboard/{found['id']}", json={"roles": roles})


def _users(
    api: SupersetApi, access: Access, roles: Mapping[str, int], passwords: Mapping[str, str]
) -> None:
    known = {u["username"]: u for u in api.items("security/users", "id", "username", "roles.id")}
    for user in access.users:
        names = list(user.roles)
        if user.county is not None:
            names.append(COUNTY_ROLE.format(code=user.county))
        wanted = sorted(roles[name] for name in names)
        if user.username not in known:
            body: dict[str, Any] = {
                "username": user.username,
                "first_name": user.name,
                "last_name": "-",
                "email": f"{user.username}@example.invalid",
                "active": True,
                "roles": wanted,
                "password": passwords[user.username],
            }
            api.call("POST", "security/users/", json=body)
        elif sorted(r["id"] for r in known[user.username]["roles"]) != wanted:
            api.call("PUT", f"security/users/{known[user.username]['id']}", json={"roles": wanted})
