"""Serve a city's platforms: ``python -m demo.platforms --data DIR --port-file F --secrets F``.

``--secrets`` is a private JSON file with ``client_id``, ``client_secret`` and ``admin``; it is
written when it does not exist. ``--port-file`` receives the port once the server listens.
"""

import argparse
import json
import os
import secrets
import signal
import threading
from pathlib import Path

from demo.platforms.server import Platforms


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(prog="python -m demo.platforms", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with *.jsonl")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--port-file", type=Path)
    parser.add_argument("--secrets", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=0, help="requests a second; 0: no limit")
    given = parser.parse_args()
    try:
        fd = os.open(given.secrets, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        known = json.loads(given.secrets.read_text(encoding="utf-8"))
    else:
        known = {
            "client_id": "eduplan",
            "client_secret": secrets.token_urlsafe(24),
            "admin": secrets.token_urlsafe(24),
        }
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            json.dump(known, file)
    client = (known["client_id"], known["client_secret"])
    platforms = Platforms(given.data, port=given.port, client=client, admin=known["admin"])
    platforms.faults.rate = given.rate
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with platforms:
        if given.port_file is not None:
            temporary = given.port_file.with_suffix(".tmp")
            temporary.write_text(f"{platforms.port}\n", encoding="ascii")
            temporary.replace(given.port_file)
        ended.wait()


if __name__ == "__main__":
    main()
