"""The server's compose file, checked as text and structure: no container engine is needed."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE = PROJECT / "docker-compose.yml"
DOCKERFILES = (PROJECT / "Dockerfile", PROJECT / "bi" / "Dockerfile")
SECRET = re.compile(r"PASSWORD|SECRET|FERNET|TOKEN|JWT")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text())


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    return compose["services"]


def test_services_of_a_celery_installation(services: dict[str, Any]) -> None:
    assert set(services) == {
        "postgres", "redis", "init", "api-server", "scheduler", "dag-processor", "triggerer",
        "worker", "superset",
    }  # fmt: skip
    assert services["worker"]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"


def test_only_known_keys(services: dict[str, Any]) -> None:
    known = {
        "build", "image", "restart", "env_file", "environment", "command", "volumes", "networks",
        "security_opt", "depends_on", "shm_size", "healthcheck", "ports", "stop_grace_period",
    }  # fmt: skip
    for name, service in services.items():
        assert set(service) <= known, name


def test_images_are_pinned_to_a_version(services: dict[str, Any]) -> None:
    images = {s["image"] for s in services.values()}
    for file in DOCKERFILES:
        images |= set(re.findall(r"^FROM (\S+)", file.read_text(), re.M))
    for image in images:
        assert re.search(r":\d+\.\d+", image), image
        assert "latest" not in image


def test_only_the_web_ports_are_open_and_only_on_loopback(services: dict[str, Any]) -> None:
    open_ports = {n: s["ports"] for n, s in services.items() if "ports" in s}
    assert open_ports == {
        "api-server": ["127.0.0.1:${WEB_PORT:-8080}:8080"],
        "superset": ["127.0.0.1:${SUPERSET_PORT:-8088}:8088"],
    }


def test_every_service_has_a_health_check_and_its_variables(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["env_file"] == [".env"], name
        if name == "init":  # ends by itself: the others wait for its success
            assert service["healthcheck"] == {"disable": True}
            continue
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
        assert service["healthcheck"]["interval"], name


def test_services_wait_for_what_they_need(services: dict[str, Any]) -> None:
    for name in ("api-server", "scheduler", "dag-processor", "triggerer", "worker"):
        assert services[name]["depends_on"] == {
            "init": {"condition": "service_completed_successfully"}
        }
    assert set(services["init"]["depends_on"]) == {"postgres", "redis"}


def test_secrets_are_required_variables_never_values(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value), f"{name}: {variable}"
            if "://" in value and "@" in value:
                assert re.search(r":\$\{[A-Z_]+:\?[^}]+\}@", value), f"{name}: {variable}"


def test_the_example_names_every_variable_and_no_secret() -> None:
    lines = (PROJECT / "deploy" / "env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", COMPOSE.read_text()))
    assert used <= set(example)
    assert {name for name, value in example.items() if value and SECRET.search(name)} == set()


def test_mounted_files_exist_and_volumes_are_declared(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = re.sub(r"\$\{[^}]*\}", "/given", volume).split(":")[0]
            if source.startswith("./"):
                assert (PROJECT / source).is_file(), f"{name}: {source}"
            elif not source.startswith("/"):
                assert source in compose["volumes"], f"{name}: {source}"


def test_the_image_runs_as_an_ordinary_user_from_the_lock() -> None:
    dockerfile = (PROJECT / "Dockerfile").read_text()
    assert re.findall(r"^USER (\S+)", dockerfile, re.M) == ["eduplan"]
    assert "deploy/requirements.lock" in dockerfile
    lock = (PROJECT / "deploy" / "requirements.lock").read_text()
    for package in ("apache-airflow", "apache-airflow-providers-celery", "redis", "celery"):
        assert re.search(rf"^{package}==", lock, re.M), package
    assert "://" not in lock


def test_superset_runs_as_an_ordinary_user_from_its_own_lock(services: dict[str, Any]) -> None:
    dockerfile = (PROJECT / "bi" / "Dockerfile").read_text()
    assert services["superset"]["build"]["dockerfile"] == "bi/Dockerfile"
    assert re.findall(r"^USER (\S+)", dockerfile, re.M) == ["superset"]
    for copied in re.findall(r"^COPY (.+) \S+$", dockerfile, re.M):
        assert all((PROJECT / name).is_file() for name in copied.split()), copied
    # It never sees the key of the warehouse: its login is handed over by `eduplan bi import`.
    assert "EDUPLAN_DATABASE_URL" not in services["superset"]["environment"]
    assert set(services["superset"]["depends_on"]) == {"postgres", "redis"}
    config = (PROJECT / "bi" / "superset_config.py").read_text()
    serve = (PROJECT / "bi" / "serve.py").read_text()
    read = set(re.findall(r'environ\["(\w+)"\]', config + serve))
    given = set(re.findall(r"^\s+(EDUPLAN_SUPERSET_\w+)[:=]", COMPOSE.read_text(), re.M))
    assert read <= given | set(re.findall(r"(EDUPLAN_SUPERSET_\w+)=", dockerfile))


def test_both_lock_files_agree_where_they_overlap() -> None:
    def pins(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", path.read_text(), re.M))

    one, server = pins(PROJECT / "requirements.lock"), pins(PROJECT / "deploy/requirements.lock")
    shared = set(one) & set(server)
    assert len(shared) > 150
    assert {name: one[name] for name in shared} == {name: server[name] for name in shared}
