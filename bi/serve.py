"""Prepare Superset's own database and serve Superset, in one process: a start costs 15 s.

Run by the Python of ``.venv-bi``; everything it must know is in environment variables, see
``superset_config.py``. The first start migrates the database and creates permissions, roles and
the administrator; later starts do so when Superset or its database is another.
"""

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

import flask_migrate
from gunicorn.app.base import BaseApplication
from superset.app import create_app


def prepare(app, stamp):
    """Bring tables, permissions and built-in roles up to date, unless ``stamp`` says they are."""
    from superset.extensions import db

    with app.app_context():
        wanted = {"superset": version("apache-superset"), "revision": revision(db)}
        if wanted["revision"] and stamp.exists() and json.loads(stamp.read_text()) == wanted:
            return
        folder = Path(sys.modules["superset"].__file__).with_name("migrations")
        flask_migrate.upgrade(directory=str(folder))
        app.appbuilder.add_permissions(update_perms=True)
        app.appbuilder.sm.sync_role_definitions()
        db.session.commit()
        stamp.write_text(json.dumps({**wanted, "revision": revision(db)}))


def revision(db):
    """Return the revision of Superset's tables, None when there are none."""
    from alembic.runtime.migration import MigrationContext

    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def administrator(app, password):
    """Create the administrator, or give it the password that the installation has on file."""
    from superset.extensions import db
    from werkzeug.security import check_password_hash

    with app.app_context():
        security = app.appbuilder.sm
        user = security.find_user("admin")
        if user is None:
            role = security.find_role("Admin")
            mail = "admin@example.invalid"
            security.add_user("admin", "管理员", "", mail, role, password=password)
        elif not check_password_hash(user.password, password):
            security.reset_password(user.id, password)
        db.session.remove()
        db.engine.dispose()  # no connection is shared with the workers


class Server(BaseApplication):
    """gunicorn around the application that is there already."""

    def __init__(self, app, options):
        self.app, self.options = app, options
        super().__init__()

    def load_config(self):
        """Hand over our options."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self):
        """Return the application."""
        return self.app


def main():
    """Prepare and serve until told to stop."""
    app = create_app()
    prepare(app, Path(os.environ["EDUPLAN_SUPERSET_STAMP"]))
    administrator(app, os.environ["EDUPLAN_SUPERSET_ADMIN_PASSWORD"])
    options = {
        "bind": os.environ["EDUPLAN_SUPERSET_BIND"],
        "workers": int(os.environ.get("EDUPLAN_SUPERSET_WORKERS", "1")),
        "worker_class": "gthread",
        "threads": 8,
        "timeout": 120,
        "graceful_timeout": 5,
        "control_socket_disable": True,
    }
    Server(app, options).run()


if __name__ == "__main__":
    main()
