"""One run at a time in an archive; what a killed run leaves."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from daxa_wf.archive import running
from daxa_wf.archive.running import RUN, held, is_running
from daxa_wf.download.watching import watch_downloads
from daxa_wf.errors import ConfigError, Fault

HOLDER = """
import sys, time
from pathlib import Path
from daxa_wf.download.watching import watch_downloads
from daxa_wf.archive.running import held, is_running
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def lock(root: Path) -> Path:
    path = root / ".snakemake" / "locks" / "0.output.lock"
    path.parent.mkdir(parents=True)
    path.write_text("manifest.tsv\n")
    return path


def test_a_second_run_is_told_who_is_at_work(tmp_path: Path) -> None:
    with held(tmp_path) as first:
        assert not first.is_left_locked
        with (
            pytest.raises(ConfigError, match=rf"going on \(process {os.getpid()} on {socket.gethostname()}\)"),
            held(tmp_path),
        ):
            pytest.fail("two runs at once")
        first.ended = True
    with held(tmp_path) as again:
        assert not again.is_left_locked


def test_what_a_killed_run_left_locked_is_known(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "held\n"
        lock(tmp_path)
        with pytest.raises(ConfigError, match=f"process {run.pid} on"), held(tmp_path):
            pytest.fail("two runs at once")
        run.send_signal(signal.SIGKILL)
    with held(tmp_path) as hold:
        assert hold.is_left_locked


def test_what_holds_it_is_inherited(tmp_path: Path) -> None:
    """Snakemake goes on if `daxa-wf run` alone is killed: it is still a run."""
    with held(tmp_path) as hold:
        child = subprocess.Popen(["sleep", "60"], pass_fds=[hold.descriptor])
    try:
        with pytest.raises(ConfigError, match="a run of this archive is going on"), held(tmp_path):
            pytest.fail("two runs at once")
    finally:
        child.kill()
        child.wait()
    with held(tmp_path):
        pass


@pytest.mark.parametrize("note", ["", "elsewhere 17"])
def test_a_lock_of_which_nothing_is_known_stays(note: str, tmp_path: Path) -> None:
    path = lock(tmp_path)
    (tmp_path / ".daxa_wf_run").write_text(note)
    with pytest.raises(ConfigError, match=r"is locked by Snakemake, .* with --unlock at its end"), held(tmp_path):
        pytest.fail("not ours")
    assert path.exists()
    assert (tmp_path / ".daxa_wf_run").read_text() == note


def test_a_run_that_ended_by_itself_vouches_for_no_lock(tmp_path: Path) -> None:
    with held(tmp_path) as hold:
        hold.ended = True
    lock(tmp_path)
    with pytest.raises(ConfigError, match="is locked by Snakemake"), held(tmp_path):
        pytest.fail("not ours")


RUNNER = """
import sys
from pathlib import Path
from daxa_wf.download.watching import watch_downloads
from daxa_wf.archive.running import held, is_running
with held(Path(sys.argv[1])) as hold:
    code = hold.run([sys.executable, "-c", sys.argv[2]], *map(float, sys.argv[3:]))
    print(hold.ended, flush=True)
    sys.exit(code)
"""
SNAKEMAKE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("running", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("signals", "said", "code"),
    [((signal.SIGTERM,), "True", 7), ((signal.SIGINT, signal.SIGTERM), "True", 7), ((signal.SIGHUP,), "False", 129)],
)
def test_signals_reach_snakemake(signals: tuple[signal.Signals, ...], said: str, code: int, tmp_path: Path) -> None:
    """That of Ctrl-C, which the terminal sends to Snakemake too, only has to be waited for."""
    command = [sys.executable, "-c", RUNNER, str(tmp_path), SNAKEMAKE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "running\n"
        for each in signals:
            run.send_signal(each)
        assert run.stdout.read() == f"{said}\n"
    assert run.returncode == code


STUBBORN = """
import signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
job = subprocess.Popen(["sleep", "60"])
print(job.pid, flush=True)
time.sleep(60)
"""


def test_a_snakemake_that_heeds_no_signal_is_killed_with_its_jobs_and_its_lock_stays_ours(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUNNER, str(tmp_path), STUBBORN, "0.3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        job = psutil.Process(int(run.stdout.readline()))
        lock(tmp_path)
        run.send_signal(signal.SIGTERM)
        stdout, stderr = run.communicate(timeout=60)
    assert (run.returncode, stdout) == (128 + signal.SIGKILL, "False\n")
    assert stderr == "Snakemake has not ended within 0.3 s; it is killed with its jobs.\n"
    psutil.wait_procs([job], timeout=30)
    assert not job.is_running() or job.status() == psutil.STATUS_ZOMBIE
    with held(tmp_path) as hold:
        assert hold.is_left_locked


STARTING = """
import signal, sys, time
print("running", flush=True)
time.sleep(1)
signal.signal(signal.SIGINT, lambda *_: sys.exit(9))
time.sleep(60)
"""


def test_ctrl_c_while_snakemake_starts_is_not_lost_and_prints_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUNNER, str(tmp_path), STARTING]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "running\n"
        os.killpg(run.pid, signal.SIGINT)
        stdout, stderr = run.communicate(timeout=60)
    assert (run.returncode, stdout, stderr) == (9, "True\n", "")


@pytest.mark.parametrize(
    "ended", ["print('disk full', file=sys.stderr); sys.exit(3)", "os.kill(os.getpid(), 9)", "pass"]
)
def test_a_lock_that_cannot_be_removed_is_reported_and_stays_ours(ended: str, tmp_path: Path) -> None:
    """Snakemake's --unlock may fail, be killed, or leave the lock although it reports success."""
    path = lock(tmp_path)
    (tmp_path / RUN).write_text(f"{socket.gethostname()} 17\n")
    unlock = [sys.executable, "-c", f"import os, sys\n{ended}"]
    with pytest.raises(Fault, match=r"could not be removed .* Run the same command again"), held(tmp_path) as hold:
        hold.unlock(unlock)
    with held(tmp_path) as again:
        assert again.is_left_locked
        again.unlock([sys.executable, "-c", f"import os; os.remove({str(path)!r})"])


def test_the_owner_of_an_archive_is_known_at_every_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run can be killed between any two system calls."""
    file, seen = tmp_path / RUN, []
    file.write_text(f"{socket.gethostname()} 1234567890\n")
    for name in ("ftruncate", "pwrite", "write"):
        real = getattr(os, name)

        def observed(*arguments: object, real: object = real) -> object:
            result = real(*arguments)  # type: ignore[operator]
            seen.append(file.read_text().splitlines()[:1])
            return result

        monkeypatch.setattr(running.os, name, observed)
    with pytest.raises(ConfigError), held(tmp_path):
        raise ConfigError("killed here")
    assert seen
    assert all(line and line[0].partition(" ")[0] == socket.gethostname() for line in seen)


LOCKED = """
import os, signal, threading
from daxa_wf.archive.interrupts import let_sigterm_wait
lock, done = threading.Lock(), threading.Event()
def graceful(*_):
    with lock:
        done.set()
signal.signal(signal.SIGTERM, graceful)
let_sigterm_wait()
with lock:
    os.kill(os.getpid(), signal.SIGTERM)
    assert not done.wait(0.2)
assert done.wait(10)
"""


def test_sigterm_cannot_deadlock_a_snakemake_that_holds_its_lock() -> None:
    assert subprocess.run([sys.executable, "-c", LOCKED], timeout=60, check=False).returncode == 0


def test_watching_ends_with_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with held(tmp_path):
        assert is_running(tmp_path)
    assert not is_running(tmp_path)
    watch_downloads(tmp_path)
    assert "nothing is being downloaded" in capsys.readouterr().out
