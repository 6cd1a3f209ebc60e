"""Create an environment from its lock file: once per lock file, safe to run twice at a time.

``bootstrap.py`` makes ``.venv`` from ``requirements.lock`` and installs the project itself;
``bootstrap.py bi`` makes ``.venv-bi`` from ``bi/requirements.lock`` (Superset, which cannot live
beside Airflow).

Standard library only, run by the system's Python. Uses uv (installed into the environment) and
falls back to plain pip; both obey the index that pip is configured with.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Environment:
    """One virtual environment of the project."""

    variable: str
    """Variable of make that names its interpreter."""
    venv: Path
    lock: Path
    oldest: tuple
    newest: tuple
    with_project: bool

    @property
    def python(self):
        """Interpreter of the environment."""
        return self.venv / "bin" / "python"

    @property
    def stamp(self):
        """File that says from what the environment was made, once it is complete."""
        return self.venv / ".eduplan-stamp"


ENVIRONMENTS = {
    "main": Environment(
        "PYTHON", PROJECT / ".venv", PROJECT / "requirements.lock", (3, 11), (3, 13), True
    ),
    # Superset 6.1 needs numpy 1.26, which there is up to Python 3.12.
    "bi": Environment(
        "BI_PYTHON", PROJECT / ".venv-bi", PROJECT / "bi" / "requirements.lock", (3, 11), (3, 12),
        False,
    ),
}  # fmt: skip


def say(message):
    """Print one line of progress."""
    print(f"==> {message}", flush=True)


def fail(message, hint):
    """Stop with what happened and what to do."""
    sys.exit(f"\nbootstrap: {message}\n  what to do: {hint}")


def check_python(wanted):
    """Refuse a Python that the locked packages do not support, or that cannot make venvs."""
    version = sys.version_info[:2]
    if not wanted.oldest <= version <= wanted.newest:
        supported = " or ".join(f"3.{n}" for n in range(wanted.oldest[1], wanted.newest[1] + 1))
        fail(
            f"Python {version[0]}.{version[1]} at {sys.executable} is not supported",
            f"install Python {supported} and run `make {wanted.variable}=/path/to/python3.12 …`",
        )
    try:
        import ensurepip
        import venv  # noqa: F401

        ensurepip.version()
    except ImportError:
        fail(
            f"{sys.executable} has no venv/ensurepip module",
            f"Debian/Ubuntu: `apt-get install python{version[0]}.{version[1]}-venv`; "
            "others: install the full Python 3 package",
        )


def wanted_stamp(made):
    """Return what a finished environment says: Python version and the files it came from."""
    digest = hashlib.sha256()
    files = [made.lock, Path(__file__)]
    if made.with_project:
        files.append(PROJECT / "pyproject.toml")
    for file in files:
        digest.update(file.read_bytes())
    return f"{sys.version_info[0]}.{sys.version_info[1]} {digest.hexdigest()}\n"


def is_ready(made):
    """Tell whether the environment is complete for the current lock file."""
    try:
        return made.stamp.read_text() == wanted_stamp(made)
    except OSError:
        return False


@contextlib.contextmanager
def only_one():
    """Hold the bootstrap lock; a second `make` waits here and then finds everything done."""
    import fcntl

    folder = PROJECT / ".eduplan"
    folder.mkdir(exist_ok=True)
    with (folder / "bootstrap.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another make prepares an environment: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def environment():
    """Return the variables for the installers: bytecode is wanted whatever the caller set."""
    env = {
        k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
    }
    env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    return env


def run(*command, **extra):
    """Run a command; return whether it succeeded."""
    done = subprocess.run(  # noqa: S603
        [str(c) for c in command], check=False, env={**environment(), **extra}, cwd=PROJECT
    )
    return done.returncode == 0


def create_venv(made):
    """Create the environment, anew when it is broken or of another Python version."""
    probe = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    with contextlib.suppress(OSError):
        done = subprocess.run(  # noqa: S603
            [str(made.python), "-c", probe], check=False, capture_output=True, text=True
        )
        if done.stdout.strip() == f"{sys.version_info[0]}.{sys.version_info[1]}":
            return
    say(f"creating {made.venv.name} with {sys.executable}")
    shutil.rmtree(made.venv, ignore_errors=True)
    if not run(sys.executable, "-m", "venv", made.venv):
        shutil.rmtree(made.venv, ignore_errors=True)
        fail(
            f"`python -m venv {made.venv.name}` failed (see above)",
            "install your system's python3-venv package",
        )


def pip_settings(made):
    """Return pip's configured index settings as {name: [values]}, environment over files."""
    done = subprocess.run(  # noqa: S603
        [str(made.python), "-m", "pip", "config", "list"],
        check=False, capture_output=True, text=True, env=environment(),
    )  # fmt: skip
    lines = [line.partition("=") for line in done.stdout.splitlines()]
    found = {}
    for from_env in (False, True):  # PIP_… variables win over pip.conf
        for key, _, value in lines:
            scope, _, name = key.strip().rpartition(".")
            if scope in ((":env:",) if from_env else ("global", "install")):
                found[name] = value.strip().strip("'\"").replace("\\n", " ").split()
    return found


def usable(place):
    """Tell whether a link or index can be used: pip forgives missing folders, uv does not."""
    path = place[len("file://") :] if place.startswith("file://") else place
    return "://" in path or Path(path).exists()


def uv_flags(settings):
    """Translate pip's settings into uv's options and variables, unless uv has its own."""
    flags, env = [], {}
    if not any(os.environ.get(n) for n in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX")):
        for url in settings.get("index-url", [])[:1]:
            flags += ["--default-index", url]
        for url in filter(usable, settings.get("extra-index-url", [])):
            flags += ["--index", url]
        if "extra-index-url" in settings:
            # pip looks at all indexes alike; uv would stop at the first that knows the name.
            flags += ["--index-strategy", "unsafe-best-match"]
        for place in filter(usable, settings.get("find-links", [])):
            flags += ["--find-links", place]
        if settings.get("no-index", ["0"])[0].lower() in ("1", "true", "yes"):
            flags += ["--no-index"]
    for host in settings.get("trusted-host", []):
        flags += ["--allow-insecure-host", host]
    if settings.get("cert") and "SSL_CERT_FILE" not in os.environ:
        env["SSL_CERT_FILE"] = settings["cert"][0]
    if settings.get("timeout") and "UV_HTTP_TIMEOUT" not in os.environ:
        env["UV_HTTP_TIMEOUT"] = settings["timeout"][0]
    return flags, env


def compile_bytecode(made):
    """Compile what may be imported, on all cores: the first start would pay three times that.

    Everything else (tests of the packages, tools that start seldom) is compiled when imported.
    """
    say("compiling bytecode")
    seldom = (
        r"/tests?/|/testing/|/site-packages/(altair|hypothesis|libcst|mypy|networkx|nodeenv|pip"
        r"|polars/testing|pre_commit|scipy|setuptools|virtualenv)/"
    )
    places = subprocess.run(  # noqa: S603
        [str(made.python), "-c", "import sysconfig as s; print(s.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    # A file that does not compile (for another Python version) is no reason to stop.
    run(made.python, "-m", "compileall", "-q", "-q", "-j", "0", "-x", seldom, places)


def install(made):
    """Install the locked packages, with bytecode, and the project itself where it belongs."""
    flags, env = uv_flags(pip_settings(made))
    pip = [made.python, "-m", "pip", "install", "--no-deps"]
    uv = [made.python, "-m", "uv", "pip", "install", "--quiet", "--python", made.python]
    uv += ["--no-deps", *flags]
    env.update(UV_LINK_MODE=os.environ.get("UV_LINK_MODE", "copy"), UV_NO_PROGRESS="1")
    have_uv = run(made.python, "-m", "pip", "install", "--quiet", "uv")
    lock = made.lock.relative_to(PROJECT)
    say(f"installing the packages of {lock}")
    if not (have_uv and run(*uv, "-r", made.lock, **env)):
        say("uv could not install them; trying plain pip (some minutes)")
        if not run(*pip, "--no-compile", "-r", made.lock):
            fail(
                f"the packages of {lock} could not be installed (see above)",
                "check that a package index is reachable: `pip config list`, `pip download rich`",
            )
    compile_bytecode(made)
    if not made.with_project:
        return
    say("installing eduplan itself")
    project = ["--editable", str(PROJECT)]
    if not (have_uv and run(*uv, *project, **env)) and not run(*pip, *project):
        fail("the project itself could not be installed (see above)", "read the error above")


def main():
    """Bring one environment up to date with its lock file."""
    made = ENVIRONMENTS[sys.argv[1] if len(sys.argv) > 1 else "main"]
    check_python(made)
    if is_ready(made):
        return
    started = time.monotonic()
    with only_one():
        if is_ready(made):
            return
        create_venv(made)
        with contextlib.suppress(FileNotFoundError):
            made.stamp.unlink()
        install(made)
        made.stamp.write_text(wanted_stamp(made))
    say(f"{made.venv.name} is ready ({time.monotonic() - started:.0f} s)")


if __name__ == "__main__":
    main()
