"""A registered version is computed once more from its own snapshot of the lake, or it is said why not."""

import json
from pathlib import Path

import pytest

from analytics.ingest.importer import import_files
from analytics.lake.store import Lake
from analytics.registry.registry import RECIPE, Registry
from flows import rooms
from flows.cli import run
from flows.settings import load_settings
from tests.unit import market_lines as lines
from tests.unit.registry_documents import document_with
from tests.unit.research_samples import SYMBOL, VENUE, Recording

pytestmark = pytest.mark.slow

PLACE = ["--venue", VENUE, "--symbol", SYMBOL]
STUDY = ["--trials", "6", "--base", "micro_vol", "--set", "volatility.vol_window_seconds=5"]
SETTINGS = """
[study]
batch = 4
[study.folds]
train_folds = 2
validation_folds = 1
min_window_s = 5.0
[study.objective]
min_fills = 1
min_fills_per_hour = 0.0
[gates]
neighbour_draws = 0
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose lake has three minutes of a market and whose registry has the version that they gave."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "microvol.toml").write_text(SETTINGS)
    with pytest.MonkeyPatch.context() as patch:
        use(folder, patch)
        with rooms.lake(load_settings()) as lake:
            take(lake, folder, Recording(6).go_on(3).snapshot().go_on(1_800))
        assert run(["calibrate", *STUDY, *PLACE]) == 0
    return folder


def use(home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("MICROVOL_HOME", str(home))
    patch.setenv("MICROVOL_CONFIG", str(home / "microvol.toml"))
    for name in ("PREFECT", "MLFLOW", "PAPER"):
        patch.setenv(f"MICROVOL_PORTS__{name}", "9")  # discard: nobody answers there


def take(lake: Lake, folder: Path, recording: Recording) -> None:
    raw = lines.write(folder / f"{len(list(folder.glob('*.log')))}.log", recording.lines)
    import_files(lake, [raw], VENUE, SYMBOL)


@pytest.fixture
def registry(home: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    use(home, monkeypatch)
    return rooms.registry(load_settings())


def reproduced(capsys: pytest.CaptureFixture[str], version: int = 1) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run(["calibrate", "--reproduce", str(version), *PLACE])
    said = capsys.readouterr()
    return code, said.out, said.err


def recipe_of(registry: Registry, version: int = 1) -> Path:
    model = registry.client.get_logged_model(registry.model_id(VENUE, SYMBOL, version))
    return Path(model.artifact_location.removeprefix("file://")) / RECIPE


def test_every_number_comes_out_equal_also_after_the_lake_and_the_settings_went_on(
    home: Path, registry: Registry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = reproduced(capsys)
    assert code == 0
    assert "version 1 is reproduced: " in out
    assert "equal to the last digit" in out
    with rooms.lake(load_settings()) as lake:
        late = Recording(7)
        late.second = 30.0
        take(lake, home, late.go_on(3).snapshot().go_on(60))
    monkeypatch.setenv("MICROVOL_STUDY__BATCH", "2")
    code, out, _ = reproduced(capsys)
    assert code == 0
    assert "setting study.batch (the version's is used)" in out
    assert len(registry.versions(VENUE, SYMBOL)) == 1


def test_another_number_fails_and_the_line_says_what_changed(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    file = recipe_of(registry)
    kept = file.read_text()
    recipe = json.loads(kept)
    recipe["figures"]["held_out.score"] += 1e-9
    recipe["made_with"] |= {"package numpy": "1.0.0", "kernel digest": "0" * 64}
    file.write_text(json.dumps(recipe))
    try:
        code, out, err = reproduced(capsys)
    finally:
        file.write_text(kept)
    assert code == 1
    assert err.splitlines()[-1].startswith("microvol: version 1 is not reproduced: 1 of ")
    assert "(held_out.score was " in err
    assert "changed since: " in err
    assert "kernel digest" in err
    assert "package numpy" in err
    assert "1.0.0" in out


def test_a_tape_that_the_snapshot_does_not_give_fails(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    file = recipe_of(registry)
    kept = file.read_text()
    recipe = json.loads(kept)
    recipe["window"][1] -= 60_000_000_000
    file.write_text(json.dumps(recipe))
    try:
        code, _, err = reproduced(capsys)
    finally:
        file.write_text(kept)
    assert code == 1
    assert "microvol: the tape of lake snapshot" in err


def test_a_version_without_a_recipe_cannot_be_reproduced(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    document = document_with(4.0)
    place = document.instrument.model_copy(update={"venue": VENUE, "symbol": SYMBOL})
    bare = registry.register(document.model_copy(update={"instrument": place, "content_hash": ""}), None, "", {})
    code, _, err = reproduced(capsys, bare.version)
    assert code == 1
    assert f"microvol: version {bare.version} was registered without what it takes to compute it again" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--reproduce", "1", "--trials", "3"], "--reproduce computes a version as it was, without trials"),
        (["--reproduce", "99"], f"{VENUE} {SYMBOL} has no version 99"),
    ],
)
def test_bad_usage_is_told_in_one_line(
    registry: Registry, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(["calibrate", *arguments, *PLACE]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"microvol: {said}"


def test_a_snapshot_that_care_expired_is_named(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    snapshot = registry.document(VENUE, SYMBOL, 1).provenance.lake_snapshot
    with rooms.lake(load_settings()) as lake:
        take(lake, load_settings().home, Recording(8).go_on(3).snapshot().go_on(5))
        held = lake.query("care/snapshots")["snapshot_id"].to_list()
        lake.query("care/expire_snapshots", versions=[each for each in held if each <= snapshot])
    code, _, err = reproduced(capsys)
    assert code == 1
    assert err.splitlines()[-1] == f"microvol: the lake's snapshot {snapshot} is gone: its care has expired it"
