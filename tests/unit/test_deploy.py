"""The files of a server installation: what they start exists, nothing is open beyond loopback without a password."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.servers import SERVICES
from flows.settings import ROOT, Settings

DEPLOY = ROOT / "deploy"
IGNORED = DEPLOY / "Dockerfile.dockerignore"
UNITS = sorted((DEPLOY / "systemd").glob("microvol*"))
SERVICE_KEYS = {  # man systemd.service, systemd.exec, systemd.kill
    "Type", "User", "WorkingDirectory", "EnvironmentFile", "ExecStart", "ExecStop", "Restart", "RestartSec",
    "RemainAfterExit", "KillMode", "TimeoutStopSec", "UMask", "NoNewPrivileges", "PrivateTmp", "ProtectSystem",
    "ProtectHome", "ReadWritePaths", "ProtectKernelTunables", "ProtectKernelModules", "ProtectControlGroups",
    "RestrictSUIDSGID", "RestrictAddressFamilies",
}  # fmt: skip
UNIT_KEYS = {"Description", "Documentation", "Wants", "After", "PartOf"}


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(path)
    return parser


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_has_known_keys_and_what_it_names_exists(path: Path) -> None:
    found = unit(path)
    assert set(found["Unit"]) <= UNIT_KEYS
    named = " ".join(found["Unit"].get(key, "") for key in ("After", "PartOf")).split()
    assert {name for name in named if name.startswith("microvol")} <= {each.name for each in UNITS}
    if path.suffix != ".service":
        return
    assert set(found["Service"]) <= SERVICE_KEYS
    command = shlex.split(found["Service"]["ExecStart"])
    assert command == ["/bin/true"] or (command[1] == "serve" and command[2] in SERVICES)


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="this machine has no systemd; the keys are checked above"
)
def test_systemd_itself_accepts_the_units(tmp_path: Path) -> None:
    for path in UNITS:
        text = (
            path.read_text().replace("/opt/microvol/.venv/bin/microvol", "/bin/true").replace("/opt/microvol", "/tmp")
        )
        (tmp_path / path.name).write_text(text.replace("User=microvol", "User=root"))
    command = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / path.name) for path in UNITS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    about_ours = [line for line in done.stderr.splitlines() if "microvol" in line]
    assert (done.returncode, about_ours) == (0, []), done.stderr


def test_every_service_has_a_unit_and_a_container() -> None:
    assert {f"microvol-{name}.service" for name in SERVICES} <= {path.name for path in UNITS}
    assert set(SERVICES) <= set(compose()["services"])


def test_containers_ask_for_a_password_and_publish_on_loopback_alone() -> None:
    services = compose()["services"]
    for name in SERVICES:
        assert services[name]["environment"]["MICROVOL_AUTH"].startswith("${MICROVOL_AUTH:?")
    assert all(port.startswith("127.0.0.1:") for each in services.values() for port in each.get("ports", []))


def test_containers_depend_on_each_other_and_mount_what_is_declared() -> None:
    found = compose()
    for service in found["services"].values():
        assert set(service.get("depends_on", {})) <= set(found["services"])
        volumes = [volume.partition(":")[0] for volume in service.get("volumes", [])]
        assert {name for name in volumes if re.fullmatch("[a-z]+", name)} <= set(found["volumes"])
        assert service.get("image") in ("microvol", "postgres:17")
    for name in ("prefect", "mlflow"):
        assert found["services"][name]["command"][:2] == ["serve", name]
    assert (ROOT / found["services"]["mlflow"]["build"]["dockerfile"]).is_file()


def test_the_workers_script_is_sound_and_the_one_that_is_started() -> None:
    script = DEPLOY / "worker.sh"
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    assert script.stat().st_mode & 0o111
    assert compose()["services"]["worker"]["entrypoint"] == ["/opt/microvol/deploy/worker.sh"]


def image_files() -> list[Path]:
    """Return the checkout's files that a build copies, by what Dockerfile.dockerignore names."""
    lines = [line for line in IGNORED.read_text().splitlines() if line and not line.startswith("#")]
    assert (lines[0], lines[-1]) == ("*", "**/__pycache__")
    named = [ROOT / line.removeprefix("!") for line in lines[1:-1]]
    assert all(path.exists() for path in named), named
    found = [each for path in named for each in ([path] if path.is_file() else sorted(path.rglob("*")))]
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]


def test_an_image_holds_no_secret_no_result_and_no_environment() -> None:
    names = {str(path.relative_to(ROOT)) for path in image_files()}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    rooms = ("analytics/", "flows/", "sql/", "strategy/")
    wanted = {name for name in tracked.splitlines() if name.startswith(rooms)}
    assert wanted <= names
    alone = {"prefect.yaml", "pyproject.toml", "README.md", "requirements.lock"}
    assert {name for name in names if not name.startswith(rooms)} == alone | {"deploy/worker.sh"}


@pytest.mark.slow
def test_the_commands_of_the_containers_run_from_what_an_image_holds(tmp_path: Path) -> None:
    image, home = tmp_path / "image", tmp_path / "home"
    for path in image_files():
        place = image / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    for entry in yaml.safe_load((image / "prefect.yaml").read_text())["deployments"]:
        assert (image / entry["entrypoint"].partition(":")[0]).is_file()
    config = tmp_path / "microvol.toml"
    config.touch()
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(image), "HOME": str(tmp_path), "NUMBA_DISABLE_JIT": "1"}
    env |= {"MICROVOL_HOME": str(home), "MICROVOL_CONFIG": str(config), "MICROVOL_PORTS__PREFECT": "9"}
    served = [service["command"] for service in compose()["services"].values() if "command" in service]
    for command in ([*arguments, "--help"] for arguments in [*served, ["serve", "worker"], ["down"]]):
        done = microvol(image, env, *command)
        assert (done.returncode, "Usage: microvol" in done.stdout) == (0, True), done.stderr
    done = microvol(image, env, "ingest")  # makes the lake by the statements in sql/
    assert done.returncode == 0, done.stderr
    assert (home / "lake" / "catalog.sqlite").is_file()


def microvol(image: Path, env: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    code = "import os; from flows import cli, settings; assert str(settings.ROOT) == os.getcwd(); cli.main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=image, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_the_image_runs_as_the_user_who_owns_its_home() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    uid = re.search(r"useradd --create-home --uid (\d+) microvol", text)
    assert uid is not None
    assert f"USER {uid[1]}\n" in text
    assert "chown microvol /var/lib/microvol" in text
    assert all("home:/var/lib/microvol" in compose()["services"][name]["volumes"] for name in SERVICES)


def test_what_containers_are_told_is_read_by_the_program() -> None:
    """Each variable is a setting, a key of a venue, or named in the sources; each address is another service's port."""
    sources = "".join(path.read_text() for room in ("flows", "strategy") for path in (ROOT / room).rglob("*.py"))
    services = compose()["services"]
    for name in SERVICES:
        for variable, value in services[name]["environment"].items():
            setting = variable.removeprefix("MICROVOL_").lower().split("__")[0]
            key = re.fullmatch(r"MICROVOL_[A-Z]+_API_(KEY|SECRET)", variable)
            assert setting in Settings.model_fields or key or variable in sources, variable
            for host, port in re.findall(r"http://(\w+):(\d+)", str(value)):
                assert int(port) == getattr(Settings().ports, host)
    for name in ("prefect", "mlflow"):
        (published,) = services[name]["ports"]
        assert published.rsplit(":", 1)[1] == str(getattr(Settings().ports, name))
        probe = services[name]["healthcheck"]["test"][-1]
        compile(probe, name, "exec")
        assert f"127.0.0.1:{getattr(Settings().ports, name)}" in probe
