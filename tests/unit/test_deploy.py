"""The files of a server installation: what they start exists, nothing is open beyond loopback without a password."""

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.servers import SERVICES
from flows.settings import ROOT

DEPLOY = ROOT / "deploy"
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
