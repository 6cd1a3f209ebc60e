"""A small client of Superset's REST API, for putting an installation in order from the outside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from eduplan.errors import PlatformError

_MOST = 5000
"""Objects of a kind that an answer may list, as in bi/superset_config.py."""


@dataclass(frozen=True)
class Login:
    """Where Superset is and how to get in; the password is in ``password_file`` (mode 0600)."""

    url: str
    user: str
    password: str
    password_file: Path


class SupersetApi:
    """REST calls of one user, with a token and the CSRF token that writing needs."""

    def __init__(self, login: Login) -> None:
        self.login = login
        # The first import reads every view's columns: minutes on a busy machine, not seconds.
        self._client = httpx.Client(base_url=login.url, timeout=300, trust_env=False)
        self._ready = False

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _authenticate(self) -> None:
        answer = self._client.post(
            "/api/v1/security/login",
            json={"username": self.login.user, "password": self.login.password, "provider": "db"},
        )
        if answer.status_code != 200:
            raise PlatformError(
                f"Superset at {self.login.url} refused the login of {self.login.user}"
                f" ({answer.status_code})",
                hint=f"is it another Superset? The logins are in {self.login.password_file}",
            )
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        token = self._client.get("/api/v1/security/csrf_token/")
        self._client.headers["X-CSRFToken"] = token.raise_for_status().json()["result"]
        # By hand: behind a TLS proxy the cookie is for https alone, but we may come from inside.
        self._client.headers["Cookie"] = f"session={token.cookies['session']}"
        self._client.headers["Referer"] = self.login.url
        self._ready = True

    def answer(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """Call ``/api/v1/<path>`` and return the answer, whatever it is."""
        try:
            if not self._ready:
                self._authenticate()
            return self._client.request(method, f"/api/v1/{path}", **kwargs)
        except httpx.TransportError as error:
            raise PlatformError(
                f"Superset at {self.login.url} does not answer: {error}",
                hint="`eduplan bi status` shows its process and log",
            ) from error

    def call(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        """Call ``/api/v1/<path>``; return the JSON answer.

        Raises PlatformError with what Superset said when it did not do it.
        """
        answer = self.answer(method, path, **kwargs)
        if answer.status_code >= 300:
            raise PlatformError(
                f"Superset answered {answer.status_code} to {method} {path}: {answer.text[:2000]}",
                hint="see logs/superset.log in the eduplan home",
            )
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def items(self, kind: str, *columns: str) -> list[dict[str, Any]]:
        """Return all objects of a ``kind`` (``dashboard``, ``security/roles`` …).

        In one page, as bi/superset_config.py allows: pages have no order, so that what stands on
        the border of two could be missed.
        """
        chosen = f",columns:!({','.join(columns)})" if columns else ""
        page = self.call("GET", f"{kind}/?q={quote(f'(page:0,page_size:{_MOST}{chosen})')}")
        found: list[dict[str, Any]] = page["result"]
        if len(found) < page["count"]:
            raise PlatformError(
                f"Superset lists {len(found)} of {page['count']} {kind}",
                hint="raise FAB_API_MAX_PAGE_SIZE in bi/superset_config.py and _MOST in rest.py",
            )
        return found

    def import_assets(self, bundle: bytes, passwords: Mapping[str, str]) -> None:
        """Create or overwrite everything in ``bundle``; passwords by path of the database file."""
        self.call(
            "POST",
            "assets/import/",
            files={"bundle": ("assets.zip", bundle, "application/zip")},
            data={"passwords": json.dumps(passwords)},
        )
