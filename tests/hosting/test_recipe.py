"""The recipe's files, read as an engine would read them: what must be in them, and that they agree with the program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HOSTING = ROOT / "hosting"


def script(path: Path) -> ModuleType:
    """A script without an ending, as a module."""
    loader = SourceFileLoader(path.name, str(path))
    spec = spec_from_loader(path.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


CHECK = script(HOSTING / "check")
AUDIT = script(ROOT / ".ci" / "audit")
BUILD, IMAGE = CHECK.instructions((HOSTING / "Dockerfile").read_text(encoding="utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((HOSTING / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]


def test_the_parser_of_dockerfiles() -> None:
    text = (
        '# note\nARG A=1\nFROM a AS one\nRUN x \\\n && y\n# note\nFROM b\nENV C=1 \\\n    D=\'e f\'\nCMD ["g", "h"]\n'
    )
    one, two = CHECK.instructions(text)
    assert one == [("ARG", "A=1"), ("FROM", "a AS one"), ("RUN", "x   && y")]
    assert CHECK.variables(two) == {"C": "1", "D": "e f"}
    assert CHECK.command(two, "CMD") == ["g", "h"]


def test_the_image_runs_as_an_ordinary_user_with_a_health_check_and_no_download() -> None:
    names = [name for name, _ in IMAGE]
    assert dict(IMAGE)["USER"] == "10001:10001"
    assert names.index("USER") > max(i for i, name in enumerate(names) if name in {"RUN", "COPY"})
    assert "/_stcore/health" in " ".join(CHECK.command(IMAGE, "HEALTHCHECK"))
    assert CHECK.command(IMAGE, "CMD") == ["streamlit", "run", "app.py"]
    for name, argument in [*BUILD, *IMAGE]:
        assert name != "ADD"
        assert not re.search(r"curl|wget|https?://(?!127\.0\.0\.1)|sudo|:latest", argument), argument
        if "apt-get install" in argument:
            assert "--no-install-recommends" in argument
            assert "rm -rf /var/lib/apt/lists/*" in argument
        if "pip install" in argument:
            assert re.search(r"--no-cache-dir uv==[\d.]+$", argument)
    tag = dict(line.split("=", 1) for name, line in BUILD if name == "ARG")["PYTHON"]
    assert tag.startswith("3.11-slim-")
    python = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]["python_version"]
    assert tag.startswith(python), "the image's Python is the one that is tested"


def test_the_image_holds_the_program_and_nothing_else() -> None:
    copied = {word for name, line in BUILD if name == "COPY" for word in line.split()[:-1]}
    copied |= {"hosting/with-secrets"}
    ignored = (HOSTING / "Dockerfile.dockerignore").read_text(encoding="utf-8").split("\n")
    assert ignored[1] == "*"
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    assert let_in == {word.rstrip("/") for word in copied}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages <= let_in, "a package of the program that the image would lack"
    assert not let_in & {".git", "out", "tests", "benchmarks", ".streamlit", ".streamlit/secrets.toml"}


def test_no_package_of_the_image_needs_what_only_tests_have() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {re.split(r"[\[<>=]", line)[0] for line in project["project"]["dependencies"]}
    wanted |= {"streamlit", "starlette", "uvicorn"}  # Streamlit's own
    for_tests = {re.split(r"[\[<>=]", line)[0] for line in project["dependency-groups"]["dev"]} - wanted
    shipped = [
        path for folder in ("analytics", "app_pages", "serving", "store") for path in (ROOT / folder).rglob("*.py")
    ]
    pattern = re.compile(rf"^\s*(?:import|from) ({'|'.join(name.replace('-', '_') for name in for_tests)})\b", re.M)
    assert [str(path) for path in shipped if pattern.search(path.read_text(encoding="utf-8"))] == []


def test_the_settings_name_real_options() -> None:
    from streamlit import config

    options = {
        "STREAMLIT_" + re.sub(r"(?<!^)(?=[A-Z])|\.", "_", key).replace("__", "_").upper()
        for key in config.get_config_options()
    }
    given = set(CHECK.variables(IMAGE)) | set(SERVICES["app"]["environment"])
    named = {name for name in given if name.startswith("STREAMLIT_")}
    assert len(named) >= 7
    assert named <= options
    program = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("analytics", "app_pages", "serving", "store")
        for path in (ROOT / folder).rglob("*.py")
    )
    ours = {name for name in given if name.startswith("REGULARS_")} | {"REGULARS_SIGN_IN"}
    assert {name for name in ours if f'"{name}"' not in program} == set()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_gets_as_little_as_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["restart"] == "unless-stopped"
    assert not {"privileged", "network_mode", "pid", "devices"} & set(service)
    allowed = {"database": {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}, "proxy": {"NET_BIND_SERVICE"}}
    assert set(service.get("cap_add", ())) <= allowed.get(name, set())
    assert ":" in service["image"] or "build" in service
    assert "latest" not in service["image"]
    assert name == "app" or "healthcheck" in service


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert SERVICES["database"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert "inside" not in SERVICES["proxy"]["networks"]


def test_no_secret_stands_in_the_file() -> None:
    given = [item for service in SERVICES.values() for item in service["environment"].items()]
    for name, value in given:
        assert name.endswith("_FILE") or not re.search("PASSWORD|TOKEN|SECRET|DATABASE", name), name
        assert not re.search(r"://[^/]*:[^/]*@", str(value)), name
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
    used = {name for service in SERVICES.values() for name in service.get("secrets", ())}
    assert used == set(COMPOSE["secrets"])
    named = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert {name for name in named if not name.startswith(".")} == set(COMPOSE["volumes"])


def test_preparing_writes_secrets_once(tmp_path: Path) -> None:
    for name in ("prepare", "with-secrets"):
        shutil.copy(HOSTING / name, tmp_path / name)
    run = [str(tmp_path / "prepare"), "analytics.example.org"]
    subprocess.run(run, check=True, capture_output=True)
    secrets = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert set(secrets) == set(COMPOSE["secrets"])
    assert len(secrets["POSTGRES_PASSWORD"]) == 48
    assert f":{secrets['POSTGRES_PASSWORD']}@database/" in secrets["REGULARS_DATABASE"]
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert "REGULARS_HOST=analytics.example.org\n" in (tmp_path / ".env").read_text()
    again = subprocess.run([*run[:1], "other.example.org"], check=True, capture_output=True)
    assert again.stdout == b""
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == secrets
    assert subprocess.run(run[:1], capture_output=True).returncode != 0

    # The program sees each secret as its variable; the database's own password is not for it.
    printed = subprocess.run(
        [str(tmp_path / "with-secrets"), "env"],
        env={"SECRETS": str(tmp_path / "secrets"), "PATH": os.environ["PATH"]},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert f"REGULARS_DATABASE={secrets['REGULARS_DATABASE']}\n" in printed
    assert "POSTGRES_PASSWORD=" not in printed


def test_what_is_secret_is_ignored_by_git() -> None:
    for name in ("hosting/secrets/REGULARS_DATABASE", "hosting/.env", ".streamlit/secrets.toml"):
        assert subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT).returncode == 0, name


def test_the_audit_tells_found_from_not_asked() -> None:
    report = (
        '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]},'
        '{"name": "b", "version": "1", "vulns": []}, {"name": "c", "skip_reason": "not found"}], "fixes": []}'
    )
    assert AUDIT.weaknesses(report) == (["a 1: PYSEC-1, mended in 2"], {"a", "b"}, {"c"})
    AUDIT.ACCEPTED["PYSEC-1"] = "for this test"
    assert AUDIT.weaknesses(report)[0] == []
    AUDIT.ACCEPTED.clear()
    yanked = "WARNING: The candidate selected for download or install is a yanked version: 'a' candidate (version 1)"
    assert AUDIT.withdrawn(f"Collecting a\n{yanked}\n") == [yanked]
    assert "streamlit==1.67.0" in AUDIT.pins()
    assert not any(";" in pin for pin in AUDIT.pins())
