import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from analytics.study.store import opened, read, rows_of
from analytics.study.trials import TrialRow
from strategy.errors import BadInput, Failed

ROOT = Path(__file__).resolve().parents[2]
NAME = "paper-BTC-FDUSD-0123456789ab"


def tell(store, count: int) -> None:
    for _ in range(count):
        trial = store.study.ask()
        u = {"u_a": trial.suggest_float("u_a", 0.0, 1.0)}
        row = TrialRow(trial.number, u["u_a"], 0.0, u, {}, (1.0, 2.0), {"fills": 3.0})
        trial.set_user_attr("row", row.to_json())
        store.study.tell(trial, u["u_a"])
        store.keep()


def test_a_study_goes_on_with_what_was_kept(tmp_path):
    with opened(NAME, tmp_path, None) as store:
        tell(store, 3)
        before = rows_of(store.study)
    with opened(NAME, tmp_path, NAME) as store:
        assert rows_of(store.study) == before
        tell(store, 2)
    assert rows_of(read(tmp_path / f"{NAME}.journal"))[:3] == before
    assert len(rows_of(read(tmp_path / f"{NAME}.journal"))) == 5


def test_unknown_figures_stay_unknown_and_numpy_numbers_become_plain_ones(tmp_path):
    with opened(NAME, tmp_path, None) as store:
        trial = store.study.ask()
        u = {"u_a": np.float64(trial.suggest_float("u_a", 0.0, 1.0))}
        row = TrialRow(trial.number, np.float64(0.1), -0.5, u, {}, (0.1,), {"edge_bps": np.nan, "fills": np.float64(2)})
        trial.set_user_attr("row", row.to_json())
        store.study.tell(trial, row.score)
    (kept,) = rows_of(read(tmp_path / f"{NAME}.journal"))
    assert np.isnan(kept.figures["edge_bps"])
    assert (kept.score, kept.u, kept.figures["fills"], kept.fold_scores) == (0.1, u, 2.0, (0.1,))


def test_optuna_reads_the_journal_with_its_own_backend(tmp_path):
    with opened(NAME, tmp_path, None) as store:
        tell(store, 3)
    storage = JournalStorage(JournalFileBackend(str(tmp_path / f"{NAME}.journal")))
    assert len(optuna.load_study(study_name=NAME, storage=storage).trials) == 3


def test_a_line_that_was_torn_is_cut_off_and_an_open_trial_given_up(tmp_path):
    with opened(NAME, tmp_path, None) as store:
        tell(store, 2)
        store.study.ask()
    journal = tmp_path / f"{NAME}.journal"
    with journal.open("ab") as file:
        file.write(b'{"op_code": 4, "torn')
    assert len(rows_of(read(journal))) == 2
    with opened(NAME, tmp_path, NAME) as store:
        tell(store, 1)
        states = [trial.state.name for trial in store.study.get_trials(deepcopy=False)]
    assert states == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE"]
    assert all(json.loads(line) for line in journal.read_bytes().splitlines())


def test_what_an_interrupt_left_half_written_is_written_anew(tmp_path):
    journal = tmp_path / f"{NAME}.journal"
    with opened(NAME, tmp_path, None) as store:
        tell(store, 1)
        with journal.open("ab") as file:
            file.write(b'{"op_code":4,"worker_id":"half')
        tell(store, 1)
        assert len(rows_of(read(journal))) == 2
    assert len([json.loads(line) for line in journal.read_bytes().splitlines()]) > 2


def test_a_damaged_journal_is_a_failure_that_names_it(tmp_path):
    with opened(NAME, tmp_path, None) as store:
        tell(store, 1)
    journal = tmp_path / f"{NAME}.journal"
    journal.write_bytes(b"{,\n" + journal.read_bytes())
    with pytest.raises(Failed, match=f"study journal .*{NAME}.journal is damaged"), opened(NAME, tmp_path, None):
        pass
    assert journal.read_bytes().startswith(b"{,\n")


def test_a_study_that_runs_is_not_run_twice(tmp_path):
    with opened(NAME, tmp_path, None) as store:
        tell(store, 1)
        with pytest.raises(Failed, match=f"study {NAME} is being run by another process"), opened(NAME, tmp_path, None):
            pass
        assert len(rows_of(read(tmp_path / f"{NAME}.journal"))) == 1
    with opened(NAME, tmp_path, None) as store:
        assert len(rows_of(store.study)) == 1


def test_only_the_study_that_the_inputs_make_goes_on(tmp_path):
    with pytest.raises(BadInput, match="these inputs make study"), opened(NAME, tmp_path, "other"):
        pass
    with pytest.raises(BadInput, match="does not exist"), opened(NAME, tmp_path, NAME):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_keeps_every_trial_that_was_told(tmp_path):
    program = f"""
import os, signal
from pathlib import Path
from analytics.study.store import opened
from tests.unit.test_study_store import NAME, tell
with opened(NAME, Path({str(tmp_path)!r}), None) as store:
    tell(store, 4)
    store.study.ask()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    with opened(NAME, tmp_path, NAME) as store:
        assert len(rows_of(store.study)) == 4
