"""Create ``.venv`` from ``requirements.lock``: once per lock file, safe to run twice at a time.

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
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
VENV = PROJECT / ".venv"
LOCK = PROJECT / "requirements.lock"
STAMP = VENV / ".eduplan-stamp"
PYTHON = VENV / "bin" / "python"
OLDEST, NEWEST = (3, 11), (3, 13)


def say(message):
    """Print one line of progress."""
    print(f"==> {message}", flush=True)


def fail(message, hint):
    """Stop with what happened and what to do."""
    sys.exit(f"\nbootstrap: {message}\n  what to do: {hint}")


def check_python():
    """Refuse a Python that the locked packages do not support, or that cannot make venvs."""
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        fail(
            f"Python {version[0]}.{version[1]} at {sys.executable} is not supported",
            "install Python 3.11, 3.12 or 3.13 and run `make PYTHON=/path/to/python3.12 …`",
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


def wanted_stamp():
    """Return what a finished environment says: Python version and the files it came from."""
    digest = hashlib.sha256()
    for file in (LOCK, PROJECT / "pyproject.toml", Path(__file__)):
        digest.update(file.read_bytes())
    return f"{sys.version_info[0]}.{sys.version_info[1]} {digest.hexdigest()}\n"


def is_ready():
    """Tell whether the environment is complete for the current lock file."""
    try:
        return STAMP.read_text() == wanted_stamp()
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
            say("another make is preparing .venv: waiting for it")
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


def create_venv():
    """Create the environment, anew when it is broken or of another Python version."""
    probe = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    with contextlib.suppress(OSError):
        done = subprocess.run(  # noqa: S603
            [str(PYTHON), "-c", probe], check=False, capture_output=True, text=True
        )
        if done.stdout.strip() == f"{sys.version_info[0]}.{sys.version_info[1]}":
            return
    say(f"creating .venv with {sys.executable}")
    shutil.rmtree(VENV, ignore_errors=True)
    if not run(sys.executable, "-m", "venv", VENV):
        shutil.rmtree(VENV, ignore_errors=True)
        fail(
            "`python -m venv .venv` failed (see above)",
            "install your system's python3-venv package",
        )


def pip_settings():
    """Return pip's configured index settings as {name: [values]}, environment over files."""
    done = subprocess.run(  # noqa: S603
        [str(PYTHON), "-m", "pip", "config", "list"],
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


def compile_bytecode():
    """Compile what may be imported, on all cores: the first start would pay three times that.

    Everything else (tests of the packages, tools that start seldom) is compiled when imported.
    """
    say("compiling bytecode")
    seldom = (
        r"/tests?/|/testing/|/site-packages/(altair|hypothesis|libcst|mypy|networkx|nodeenv|pip"
        r"|polars/testing|pre_commit|scipy|setuptools|virtualenv)/"
    )
    places = subprocess.run(  # noqa: S603
        [str(PYTHON), "-c", "import sysconfig as s; print(s.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    # A file that does not compile (for another Python version) is no reason to stop.
    run(PYTHON, "-m", "compileall", "-q", "-q", "-j", "0", "-x", seldom, places)


def install():
    """Install the locked packages and the project itself, with bytecode."""
    flags, env = uv_flags(pip_settings())
    uv = [PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON]
    uv += ["--no-deps", *flags]
    env.update(UV_LINK_MODE=os.environ.get("UV_LINK_MODE", "copy"), UV_NO_PROGRESS="1")
    have_uv = run(PYTHON, "-m", "pip", "install", "--quiet", "uv")
    say("installing the packages of requirements.lock")
    done = have_uv and run(*uv, "-r", LOCK, **env)
    if not done:
        say("uv could not install them; trying plain pip (some minutes)")
        if not run(PYTHON, "-m", "pip", "install", "--no-deps", "--no-compile", "-r", LOCK):
            fail(
                "the packages of requirements.lock could not be installed (see above)",
                "check that a package index is reachable: `pip config list`, `pip download rich`",
            )
    compile_bytecode()
    say("installing eduplan itself")
    project = ["--editable", str(PROJECT)]
    if not (have_uv and run(*uv, *project, **env)) and not run(
        PYTHON, "-m", "pip", "install", "--no-deps", *project
    ):
        fail("the project itself could not be installed (see above)", "read the error above")


def main():
    """Bring ``.venv`` up to date with the lock file."""
    check_python()
    if is_ready():
        return
    started = time.monotonic()
    with only_one():
        if is_ready():
            return
        create_venv()
        with contextlib.suppress(FileNotFoundError):
            STAMP.unlink()
        install()
        STAMP.write_text(wanted_stamp())
    say(f".venv is ready ({time.monotonic() - started:.0f} s)")


if __name__ == "__main__":
    main()
