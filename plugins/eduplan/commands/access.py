"""``eduplan access …``: who reads the warehouse."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from eduplan.console import Format, FormatOption, out, settings_of, show

if TYPE_CHECKING:
    import psycopg

    from eduplan.settings import Settings

app = typer.Typer(help="Who reads the warehouse: roles, logins, rights.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Who reads the warehouse: roles, logins, rights."""


@app.command("apply")
def apply(
    rotate: Annotated[
        list[str] | None, typer.Option(help="Login that gets a new password; repeatable.")
    ] = None,
) -> None:
    """Make roles and rights what access.yaml and the code say; safe to repeat."""
    from eduplan.access import roles

    settings = settings_of()
    with _connection(settings) as conn:
        out.print(str(roles.apply(conn, settings, rotate=rotate or ())))


@app.command("show")
def show_readers(form: FormatOption = Format.table) -> None:
    """Who may read what: every role and login, its rows and its schemas."""
    from eduplan.access.grants import READ
    from eduplan.access.logins import load_groups, load_logins
    from eduplan.access.roles import own_roles

    settings = settings_of()
    with _connection(settings) as conn:
        present = set(own_roles(conn))
    rows: list[dict[str, Any]] = []
    logins = load_logins(settings)
    for group in load_groups(settings):
        seen = "all" if group.county_codes is None else " ".join(group.county_codes)
        reads = [*READ[group.kind], *(["ops, without names"] if group.kind == "analyst" else [])]
        common = {"rows": seen, "place": group.place, "reads": ", ".join(reads)}
        members = [login for login in logins if login.group == group]
        rows.append({"role": group.role, "login": None, **common, "limit": None, "until": None,
                     "in_database": group.role in present})  # fmt: skip
        rows += [
            {
                "role": login.role, "login": login.name, **common, "limit": login.connection_limit,
                "until": login.valid_until and login.valid_until.isoformat(),
                "in_database": login.role in present,
            }
            for login in members
        ]  # fmt: skip
    show(rows, form, "")


@app.command("dsn")
def dsn(
    name: Annotated[str, typer.Argument(help="A login of access.yaml.")],
    host: Annotated[str | None, typer.Option(help="As its user reaches the server.")] = None,
    port: Annotated[int | None, typer.Option(help="As its user reaches the server.")] = None,
    sslmode: Annotated[str | None, typer.Option(help="verify-full where the way is open.")] = None,
    sslrootcert: Annotated[str | None, typer.Option(help="Certificate of the CA there.")] = None,
) -> None:
    """Print the URL a tool connects with, password included: hand it over as a secret."""
    from urllib.parse import quote, urlencode

    from psycopg.conninfo import conninfo_to_dict

    from eduplan.access.logins import AccessError, load_logins, passwords
    from eduplan.postgres import ensure_database

    settings = settings_of()
    logins = load_logins(settings)
    login = next((login for login in logins if login.name == name), None)
    if login is None:
        raise AccessError(f"{name} is no login", hint="`eduplan access show`")
    info = conninfo_to_dict(ensure_database(settings))
    secret = quote(passwords(settings, logins)[name], safe="")
    place = f"{host or info.get('host') or 'localhost'}:{port or info.get('port') or 5432}"
    options = {
        "sslmode": sslmode or info.get("sslmode"),
        "sslrootcert": sslrootcert or info.get("sslrootcert"),
    }
    query = urlencode({key: value for key, value in options.items() if value}, safe="/")
    out.print(
        f"postgresql://{login.role}:{secret}@{place}/{info.get('dbname')}"
        + (f"?{query}" if query else ""),
        soft_wrap=True, markup=False,
    )  # fmt: skip


@app.command("check")
def check(form: FormatOption = Format.table) -> None:
    """Compare the database with the code; exit code 1 for a grave difference, with what to do."""
    from eduplan.access.check import check as find

    settings = settings_of()
    with _connection(settings) as conn:
        conn.read_only = True
        found = find(conn, settings)
    show(
        [{"grave": b.is_grave, "breach": b.what, "what_to_do": b.to_do} for b in found],
        form,
        "Roles, rights, policies and views are as the code says.",
    )
    if any(breach.is_grave for breach in found):
        raise SystemExit(1)


def _connection(settings: "Settings") -> "psycopg.Connection":
    from eduplan import warehouse
    from eduplan.postgres import ensure_database

    return warehouse.connect(ensure_database(settings))
