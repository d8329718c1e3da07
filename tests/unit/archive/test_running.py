"""One run at a time in an archive; what a killed run leaves."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from daxa_wf.archive import running
from daxa_wf.archive.running import HELD, RUN, held, is_running
from daxa_wf.download.watching import watch_downloads
from daxa_wf.errors import ConfigError

HOLDER = """
import sys, time
from pathlib import Path
from daxa_wf.download.watching import watch_downloads
from daxa_wf.archive.running import held, is_running
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_told_who_is_at_work(tmp_path: Path) -> None:
    with (
        held(tmp_path),
        pytest.raises(ConfigError, match=rf"going on \(process {os.getpid()} on {socket.gethostname()}\)"),
        held(tmp_path),
    ):
        pytest.fail("two runs at once")
    with held(tmp_path):
        pass


def test_a_killed_run_leaves_nothing_locked(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "held\n"
        with pytest.raises(ConfigError, match=f"process {run.pid} on"), held(tmp_path):
            pytest.fail("two runs at once")
        run.send_signal(signal.SIGKILL)
    with held(tmp_path):
        pass


def test_plain_snakemake_holds_the_archive_too_unless_daxa_wf_run_does(tmp_path: Path) -> None:
    """The Snakefile's `onstart` asks for it; the process that holds the archive itself is not in its own way."""
    command = [sys.executable, "-c", "import sys; from daxa_wf.archive.running import *; from pathlib import Path\n"
               "hold_for_this_process(Path(sys.argv[1])); print(is_running(Path(sys.argv[1])))", str(tmp_path)]  # fmt: skip
    with held(tmp_path):
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
        allowed = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, HELD: str(tmp_path.resolve())}
        )
    assert (refused.returncode, "a run of this archive is going on" in refused.stderr) == (2, True)
    assert (allowed.returncode, allowed.stdout) == (0, "True\n")
    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == "True\n"
    assert not is_running(tmp_path)


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


RUNNER = """
import sys
from pathlib import Path
from daxa_wf.download.watching import watch_downloads
from daxa_wf.archive.running import held, is_running
with held(Path(sys.argv[1])) as hold:
    code = hold.run([sys.executable, "-c", sys.argv[2]], *map(float, sys.argv[3:]))
    sys.exit(code)
"""
SNAKEMAKE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("running", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("signals", "code"), [((signal.SIGTERM,), 7), ((signal.SIGINT, signal.SIGTERM), 7), ((signal.SIGHUP,), 129)]
)
def test_signals_reach_snakemake(signals: tuple[signal.Signals, ...], code: int, tmp_path: Path) -> None:
    """That of Ctrl-C, which the terminal sends to Snakemake too, only has to be waited for."""
    command = [sys.executable, "-c", RUNNER, str(tmp_path), SNAKEMAKE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "running\n"
        for each in signals:
            run.send_signal(each)
        assert run.stdout.read() == ""
    assert run.returncode == code


STUBBORN = """
import signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
job = subprocess.Popen(["sleep", "60"])
print(job.pid, flush=True)
time.sleep(60)
"""


def test_a_snakemake_that_heeds_no_signal_is_killed_with_its_jobs(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUNNER, str(tmp_path), STUBBORN, "0.3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        job = psutil.Process(int(run.stdout.readline()))
        run.send_signal(signal.SIGTERM)
        stdout, stderr = run.communicate(timeout=60)
    assert (run.returncode, stdout) == (128 + signal.SIGKILL, "")
    assert stderr == "Snakemake has not ended within 0.3 s; it is killed with its jobs.\n"
    psutil.wait_procs([job], timeout=30)
    assert not job.is_running() or job.status() == psutil.STATUS_ZOMBIE
    with held(tmp_path):
        pass


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
    assert (run.returncode, stdout, stderr) == (9, "", "")


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


def test_a_read_only_archive_is_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_given: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(ConfigError, match=rf"archive: {tmp_path / RUN}: Permission denied; change"), held(tmp_path):
            pytest.fail("held without permission")
        patch.setattr(os, "access", lambda *_given: False)
        with (
            pytest.raises(
                ConfigError, match=f"archive: {tmp_path} is not writable for you; .* or change its permissions"
            ),
            held(tmp_path),
        ):
            pytest.fail("held without permission")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file is not a directory"), held(tmp_path / "file" / "archive"):
        pytest.fail("held below a file")
