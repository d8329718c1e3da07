"""The runner: what it gives a task, what it makes of how the task ended, and that nothing is left of one it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from daxa_wf.errors import ConfigError, Fault, StepFailedError, UnfitDataError
from daxa_wf.observatories.xmm.sas.commands import cifbuild
from daxa_wf.observatories.xmm.sas.tasks import SAS
from daxa_wf.time_limit import time_limit
from daxa_wf.tools.environment import ToolEnvironment, pfiles, prepared_call
from daxa_wf.tools.processes import _Interrupts
from daxa_wf.tools.runner import execute
from daxa_wf.tools.spec import Command, Parameter, TaskSpec
from daxa_wf.tools.verdicts import ToolRun, require_success
from tests.standins import REPOSITORY, Standins, all_gone, gone, wait_for
from tests.standins.tables import TASKS

PROGRAM = TaskSpec("program", SAS, (Parameter("code", "text"),))


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make an executable `program` of a Python text, and the command that runs it."""
    place = tmp_path / "programs"
    place.mkdir()
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")

    def make(code: str, **fields: Any) -> Command:
        (place / "program").write_text(f"#!{sys.executable} -S\n{code}\n")
        (place / "program").chmod(0o755)
        return PROGRAM.command({}, **fields)

    return make


def run_tool(*arguments: Any, **options: Any) -> ToolRun:
    """Run one command, and require that it succeeds."""
    run = execute(*arguments, **options)
    require_success(run)
    return run


def test_a_task_has_a_directory_files_and_environment_of_its_own(standins: Standins, tmp_path: Path) -> None:
    run = run_tool(cifbuild("2004-06-17")[0], tmp_path / "work", tmp_path / "logs" / "cifbuild")
    assert run.products == {"cif": tmp_path / "work" / "ccf.cif"}
    first = "$ cifbuild calindexset=ccf.cif withobservationdate=yes observationdate=2004-06-17 analysisdate=now fullpath=yes"
    assert run.stdout.read_text().splitlines()[0] == run.stderr.read_text().splitlines()[0] == first
    assert run.stdout == tmp_path / "logs" / "cifbuild.stdout"
    assert "cifbuild:- cifbuild (cifbuild-9.9)  [xmmsas_20211130_0941-20.0.0] ended:" in run.stdout.read_text()
    assert (run.exit_code, run.messages) == (0, ())
    assert 0 < run.cpu_seconds < 10
    assert 1 < run.peak_memory_mb < 1000
    assert run.wall_seconds > 0
    (call,) = standins.calls("cifbuild")
    assert call["directory"] == str(tmp_path / "work")


def test_a_directory_that_is_not_empty_is_refused_unless_it_is_kept(standins: Standins, tmp_path: Path) -> None:
    command = cifbuild("2004-06-17")[0]
    run_tool(command, tmp_path / "work", tmp_path / "log")
    with pytest.raises(ConfigError, match="is not empty: a task needs a working directory of its own"):
        run_tool(command, tmp_path / "work", tmp_path / "log")
    run_tool(command, tmp_path / "work", tmp_path / "log", keep=True)


def test_pfiles_have_the_own_directory_in_front_and_keep_the_templates() -> None:
    own = Path("/w/pfiles")
    assert pfiles(own, {"PFILES": "/home/u/pfiles;/h/syspfiles"}) == "/w/pfiles;/h/syspfiles"
    assert pfiles(own, {"PFILES": "/a:/b;/h/syspfiles:/s/par"}) == "/w/pfiles;/h/syspfiles:/s/par"
    assert pfiles(own, {"HEADAS": "/h"}) == "/w/pfiles;/h/syspfiles"
    assert pfiles(own, {}) == "/w/pfiles;"


def test_what_the_users_shell_holds_does_not_change_results(tmp_path: Path) -> None:
    base = {"PATH": "/bin", "SAS_ODF": "/other", "SAS_CCFFILES": "old.ccf", "SAS_CLOBBER": "0", "SAS_CCFPATH": "/ccf"}
    base["PYTHONPATH"] = "/sas/lib/python"
    call = prepared_call(["merge"], {"SAS_CCF": "/a/ccf.cif"}, ToolEnvironment(), tmp_path, base=base, toolkit=SAS)
    assert call.argv == ["merge"]
    assert call.variables == {
        "PATH": "/bin", "PYTHONPATH": "/sas/lib/python", "SAS_CCFPATH": "/ccf", "SAS_CCF": "/a/ccf.cif",
        "HEADASNOQUERY": "", "HEADASPROMPT": "/dev/null",
        "SAS_VERBOSITY": "4", "SAS_SUPPRESS_WARNING": "1", "PFILES": f"{tmp_path}/pfiles;",
    }  # fmt: skip


FAILURES = [
    ("cifbuild:noCounts", StepFailedError, "noCounts", "cifbuild: All histo counts are zero"),
    ("cifbuild:errorZero", StepFailedError, "someError", "cifbuild: told and gone on"),
    ("cifbuild:nothing", StepFailedError, "missingProduct", "cifbuild left no cif (ccf.cif)"),
    (
        "cifbuild:exit",
        StepFailedError,
        "exitCode",
        "cifbuild ended with exit code 1 and reported no error; last lines:",
    ),
    ("cifbuild:crash", StepFailedError, "exitCode", "cifbuild crashed with SIGSEGV"),
]


@pytest.mark.parametrize(("told", "kind", "name", "text"), FAILURES, ids=[each[0] for each in FAILURES])
def test_a_task_that_fails_is_a_verdict(
    standins: Standins, tmp_path: Path, told: str, kind: type[StepFailedError], name: str, text: str
) -> None:
    standins.tell(told)
    run = execute(cifbuild("2004-06-17")[0], tmp_path / "work", tmp_path / "log")
    with pytest.raises(kind) as caught:
        require_success(run)
    assert caught.value.name == name
    assert text in caught.value.message


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("cifbuild:killed", "cifbuild was killed by signal 9; the machine may be out of memory"),
        ("cifbuild:halfway", "cifbuild was killed by signal 9"),
        ("cifbuild:full", "cifbuild failed: No space left on device"),
    ],
)
def test_what_is_not_the_tasks_doing_is_a_fault_and_leaves_no_file(
    standins: Standins, tmp_path: Path, told: str, said: str
) -> None:
    standins.tell(told)
    with pytest.raises(Fault, match=said):
        execute(cifbuild("2004-06-17")[0], tmp_path / "work", tmp_path / "log")
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit(143)", "program was killed by signal 15"),
        ("import sys; sys.exit(137)", "program was killed by signal 9"),
        ("print('evlistcomb: No space left on device')", "program failed: No space left on device"),
    ],
)
def test_what_a_script_tells_of_its_children_is_a_fault_too(program: Any, tmp_path: Path, code: str, said: str) -> None:
    with pytest.raises(Fault, match=said):
        execute(program(code), tmp_path / "work", tmp_path / "log")


def test_a_crash_that_a_script_tells_of_is_a_verdict(program: Any, tmp_path: Path) -> None:
    run = execute(program("import sys; sys.exit(139)"), tmp_path / "work", tmp_path / "log")
    with pytest.raises(StepFailedError, match="exitCode: program ended with exit code 139"):
        require_success(run)


def test_warnings_are_kept_and_the_work_is_done(standins: Standins, tmp_path: Path) -> None:
    standins.tell("cifbuild:warn")
    run = run_tool(cifbuild("2004-06-17")[0], tmp_path / "work", tmp_path / "log")
    assert run.warnings == [
        {"task": "cifbuild", "name": "InvalidCcfConstituent", "text": "InvalidCcfConstituent occurred"},
        {"task": "cifbuild", "name": "InvalidCcfConstituent", "text": "further ones, not printed (2 times)"},
    ]
    assert run.errors == []


def test_a_task_out_of_time_leaves_no_process_and_no_file(
    standins: Standins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ignores nobody's SIGTERM but has two children that do, one of them in a session of its own."""
    standins.tell("cifbuild:hang")
    monkeypatch.setenv("DAXA_WF_STANDIN_PIDS", str(tmp_path / "pids"))
    with pytest.raises(Fault, match=r"cifbuild did not end within 0\.7 s and was killed"):
        execute(cifbuild("2004-06-17")[0], tmp_path / "work", tmp_path / "log", time_limit=0.7)
    assert all_gone(tmp_path / "pids")
    assert not (tmp_path / "work").exists()


def test_the_time_limit_of_a_step_leaves_no_process_and_no_file_of_its_task(
    standins: Standins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standins.tell("cifbuild:hang")
    monkeypatch.setenv("DAXA_WF_STANDIN_PIDS", str(tmp_path / "pids"))
    with pytest.raises(Fault, match="cifbuild did not end within 1 s"), time_limit(1, "cifbuild", "raise it"):
        execute(cifbuild("2004-06-17")[0], tmp_path / "work", tmp_path / "log")
    assert all_gone(tmp_path / "pids")
    assert not (tmp_path / "work").exists()


def test_the_end_of_the_time_waits_until_it_may_interrupt() -> None:
    """Otherwise it could come between the end of a program and the killing of its children."""
    done = []

    def hold_back() -> None:
        with _Interrupts() as interrupts:
            time.sleep(0.2)
            done.append("held back")
            with interrupts.let_through():
                done.append("let through")

    with pytest.raises(Fault, match="did not end"), time_limit(0.05, "cifbuild", "raise it"):
        hold_back()
    assert done == ["held back"]


def test_a_fault_in_a_kept_directory_leaves_what_was_there(standins: Standins, tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "inner").mkdir(parents=True)
    (work / "inner" / "earlier.fits").write_text("of the stage before")
    standins.tell("cifbuild:halfway")
    with pytest.raises(Fault):
        execute(cifbuild("2004-06-17")[0], work, tmp_path / "log", keep=True)
    assert sorted(path.name for path in work.rglob("*")) == ["earlier.fits", "inner"]


@pytest.fixture
def hanging(standins: Standins, tmp_path: Path) -> Any:
    """A function that starts a process, with more code before, in which a task hangs; it and the file of the numbers."""
    pids, started = tmp_path / "pids", list[subprocess.Popen[bytes]]()

    def start(before: str = "") -> tuple[subprocess.Popen[bytes], Path]:
        standins.tell("cifbuild:hang")
        code = (
            f"{before}\nfrom pathlib import Path; from daxa_wf.tools.runner import execute; "
            "from daxa_wf.observatories.xmm.sas.commands import cifbuild; "
            f"execute(cifbuild('2004-06-17')[0], Path({str(tmp_path / 'work')!r}), Path({str(tmp_path / 'log')!r}))"
        )
        environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "DAXA_WF_STANDIN_PIDS": str(pids)}
        started.append(subprocess.Popen([sys.executable, "-c", code], env=environ, stderr=subprocess.DEVNULL))
        wait_for(pids)
        return started[-1], pids

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_interrupting_us_leaves_nothing_of_the_task(hanging: Any, tmp_path: Path, number: signal.Signals) -> None:
    process, pids = hanging()
    process.send_signal(number)
    assert process.wait(timeout=10) == {signal.SIGTERM: 143, signal.SIGINT: -signal.SIGINT, signal.SIGHUP: 129}[number]
    assert all_gone(pids)
    assert not (tmp_path / "work").exists()


def test_more_signals_do_not_disturb_the_cleaning_up(hanging: Any, tmp_path: Path) -> None:
    process, pids = hanging()
    for _ in range(20):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.001)
    assert process.wait(timeout=10) != 0
    assert all_gone(pids)


def test_a_signal_waits_until_it_may_interrupt() -> None:
    """Not between a program's start and the care for its end, and not during that."""
    reached = []

    def interrupted_early() -> None:
        with _Interrupts() as interrupts:
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append("started")
            with interrupts.let_through():
                reached.append("waiting")

    def interrupted_late() -> None:
        with _Interrupts() as interrupts:
            with interrupts.let_through():
                reached.append("waiting")
            os.kill(os.getpid(), signal.SIGINT)
            reached.append("cleaned up")

    with pytest.raises(SystemExit, match="143"):
        interrupted_early()
    assert reached == ["started"]
    with pytest.raises(KeyboardInterrupt):
        interrupted_late()
    assert reached == ["started", "waiting", "cleaned up"]


def test_killing_us_leaves_no_process_of_the_task(hanging: Any) -> None:
    process, pids = hanging()
    process.kill()
    assert process.wait(timeout=10) == -signal.SIGKILL
    assert all_gone(pids)


def test_a_task_ends_with_who_waits_for_it(hanging: Any, tmp_path: Path) -> None:
    """As a job does whose Snakemake was killed."""
    process, pids = hanging("import os, time\nif os.fork(): time.sleep(60)")
    process.kill()
    assert all_gone(pids)
    assert any(not (tmp_path / "work").exists() or time.sleep(0.02) for _ in range(250))


def test_an_ignored_signal_stays_ignored(hanging: Any, tmp_path: Path) -> None:
    """As SIGHUP is under nohup."""
    process, pids = hanging("import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)")
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
    assert not any(gone(int(pid)) for pid in pids.read_text().split())


def test_a_task_that_does_not_want_to_end_is_killed(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daxa_wf.tools.processes.GRACE", 0.1)
    command = program("import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)")
    begin = time.monotonic()
    with pytest.raises(Fault, match=r"program did not end within 0\.3 s"):
        execute(command, tmp_path / "work", tmp_path / "log", time_limit=0.3)
    assert time.monotonic() - begin < 3


def test_children_that_outlive_their_task_are_ended(program: Any, tmp_path: Path) -> None:
    code = "import subprocess\nprint(subprocess.Popen(['sleep', '60'], start_new_session=True).pid)"
    run = run_tool(program(code), tmp_path / "work", tmp_path / "log")
    child = int(run.stdout.read_text().splitlines()[1])
    assert any(gone(child) or time.sleep(0.02) for _ in range(100))
    assert run.wall_seconds < 5


def test_resources_are_those_of_the_whole_task(program: Any, tmp_path: Path) -> None:
    child = "x = bytearray(90_000_000); x[::4096] = b'1' * len(x[::4096]); sum(range(2_000_000))"
    run = run_tool(
        program(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"),
        tmp_path / "w",
        tmp_path / "l",
    )
    assert run.peak_memory_mb > 85
    assert run.cpu_seconds > 0.01


def test_a_task_that_is_not_installed_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"program cannot be started \(No such file or directory\) with the current shell"):
        execute(PROGRAM.command({}), tmp_path / "work", tmp_path / "log")
    assert not (tmp_path / "work").exists()


def test_a_shell_that_is_not_initialised_is_told(
    standins: Standins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SAS_CCFPATH")
    with pytest.raises(
        ConfigError, match="cifbuild needs SAS_CCFPATH, not set in this shell: initialise its toolkit first"
    ):
        execute(cifbuild("2004-06-17")[0], tmp_path / "work", tmp_path / "log")


def test_an_input_that_is_not_there_is_a_fault(standins: Standins, tmp_path: Path) -> None:
    command = TASKS["merge"].command({"set1": "a", "set2": "b", "outset": "c"}, links={"a": tmp_path / "a.fits"})
    with pytest.raises(Fault, match=r"merge cannot run: .*a\.fits does not exist"):
        execute(command, tmp_path / "work", tmp_path / "log")


def test_copies_may_be_written_to_and_links_lead_to_the_original(program: Any, tmp_path: Path) -> None:
    original = tmp_path / "raw.fits"
    original.write_text("raw")
    original.chmod(0o444)
    command = program(
        "open('copied', 'a').write(' changed'); open('out', 'w').write(open('linked').read())",
        copies={"copied": original}, links={"linked": original}, products={"out": "out", "copied": "copied"},
    )  # fmt: skip
    run = run_tool(command, tmp_path / "work", tmp_path / "log")
    assert run.products["copied"].read_text() == "raw changed"
    assert run.products["out"].read_text() == original.read_text() == "raw"


def test_a_product_of_no_bytes_is_no_product(program: Any, tmp_path: Path) -> None:
    with pytest.raises(StepFailedError, match="missingProduct: program left no out"):
        run_tool(program("open('out', 'w')", products={"out": "out"}), tmp_path / "work", tmp_path / "log")


SCRIPT_SAYS = 'import os, json, sys; open("seen.json", "w").write(json.dumps([dict(os.environ), sys.argv]))'


def seen(run: ToolRun) -> tuple[dict[str, str], list[str]]:
    environ, argv = json.loads(run.products["seen"].read_text())
    return environ, argv


def test_setup_scripts_are_sourced_in_order_and_words_stay_words(program: Any, tmp_path: Path) -> None:
    first, second = tmp_path / "heasoft init.sh", tmp_path / "sas.sh"
    first.write_text(
        'export HEADAS=/h; export PFILES="/home/u/pfiles;$HEADAS/syspfiles"; echo talkative "$#"; count=99\n'
    )
    second.write_text('export SAS_DIR="$HEADAS/sas"; set -- lost; false\n')
    command = program(SCRIPT_SAYS, products={"seen": "seen.json"}, environment={"SAS_CCF": "/a b/ccf.cif"})
    text = "a b; $(touch bad) `x` 'q' \"p\" *"
    spec = TaskSpec("program", SAS, PROGRAM.parameters, needs=("SAS_DIR", "HEADAS"))
    command = spec.command({"code": text}, command.environment, command.products)
    environment = ToolEnvironment(setup_scripts=(first, second), variables={"SAS_CCFPATH": "/ccf"})
    run = run_tool(command, tmp_path / "work", tmp_path / "log", environment)
    environ, argv = seen(run)
    assert argv[1:] == [f"code={text}"]
    assert (environ["SAS_DIR"], environ["SAS_CCF"], environ["SAS_CCFPATH"]) == ("/h/sas", "/a b/ccf.cif", "/ccf")
    assert environ["PFILES"] == f"{tmp_path}/work/pfiles;/h/syspfiles"
    assert not (tmp_path / "work" / "bad").exists()
    assert "talkative 0" in run.stderr.read_text()
    assert "talkative" not in run.stdout.read_text()


def test_modules_are_loaded(program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init = tmp_path / "lmod" / "init"
    init.mkdir(parents=True)
    (init / "bash").write_text('module() { [ "$2" = absent/1 ] && return 1; export LOADED="$LOADED$2 "; }\n')
    monkeypatch.setenv("MODULESHOME", str(init.parent))
    command = program(SCRIPT_SAYS, products={"seen": "seen.json"})
    run = run_tool(command, tmp_path / "w", tmp_path / "l", ToolEnvironment(modules=("heasoft/6.36", "sas/22")))
    assert seen(run)[0]["LOADED"] == "heasoft/6.36 sas/22 "
    with pytest.raises(ConfigError, match="program cannot run with module absent/1: module load absent/1 failed"):
        execute(command, tmp_path / "w2", tmp_path / "l", ToolEnvironment(modules=("absent/1",)))


@pytest.mark.parametrize(
    ("environment", "needs", "said"),
    [
        (
            ToolEnvironment(setup_scripts=(Path("/nowhere/setsas.sh"),)),
            (),
            "setup script /nowhere/setsas.sh cannot be read",
        ),
        (ToolEnvironment(setup_scripts=(Path("/dev/null"),)), ("SAS_NOT_SET",), "SAS_NOT_SET is not set"),
    ],
)
def test_a_wrong_environment_is_told(
    program: Any, tmp_path: Path, environment: ToolEnvironment, needs: tuple[str, ...], said: str
) -> None:
    program("")
    with pytest.raises(ConfigError, match=said):
        execute(TaskSpec("program", SAS, (), needs=needs).command({}), tmp_path / "work", tmp_path / "log", environment)


def test_a_task_that_a_setup_script_does_not_bring_is_a_fault(tmp_path: Path) -> None:
    environment = ToolEnvironment(setup_scripts=(Path("/dev/null"),))
    with pytest.raises(Fault, match="program was not found with setup script /dev/null"):
        execute(PROGRAM.command({}), tmp_path / "work", tmp_path / "log", environment)


def test_prefix_goes_in_front(program: Any, tmp_path: Path) -> None:
    command = program(SCRIPT_SAYS, products={"seen": "seen.json"})
    run = run_tool(command, tmp_path / "work", tmp_path / "log", ToolEnvironment(prefix=("env", "SITE=here")))
    assert seen(run)[0]["SITE"] == "here"
    assert run.argv == ["env", "SITE=here", "program"]


def test_containers(tmp_path: Path) -> None:
    apptainer = ToolEnvironment(
        container="/i/sas.sif", binds=(Path("/data/raw"),), setup_scripts=(Path("/opt/setsas.sh"),)
    )
    call = prepared_call(
        ["merge", "set1=a"], {"SAS_CCF": "/c"}, apptainer, tmp_path, ("SAS_DIR",), "n", base={"PATH": "/bin"}
    )
    here = str(tmp_path)
    assert call.argv[:8] == [
        "apptainer", "exec", "--bind", f"{here}:{here}", "--bind", "/data/raw:/data/raw", "--pwd", here,
    ]  # fmt: skip
    assert call.argv[8:11] == ["/i/sas.sif", "bash", "-c"]
    assert call.argv[13:15] == ["1", "/opt/setsas.sh"]
    assert call.argv[-4:] == ["1", "SAS_DIR", "merge", "set1=a"]
    assert "SAS_CCF=/c" in call.argv
    assert f"PFILES={here}/pfiles" in call.argv
    assert call.container_name == ""
    docker = ToolEnvironment(container="erosita/esass-x64:latest", runtime="docker")
    call = prepared_call(["evtool"], {}, docker, tmp_path, name="daxa_wf-1", base={})
    user = f"{os.getuid()}:{os.getgid()}"
    assert call.argv[:13] == [
        "docker", "run", "--rm", "--init", "--name", "daxa_wf-1", "--user", user, "--volume", f"{here}:{here}", "--workdir",
        here, "erosita/esass-x64:latest",
    ]  # fmt: skip
    assert call.container_name == "daxa_wf-1"


def test_a_container_sees_what_the_command_leads_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the raw directory behind the links of an ODF's view; a script stands in for apptainer."""
    from daxa_wf.observatories.xmm.sas.odf_view import make_odf_view
    from daxa_wf_simulator.odf import make_odf

    make_odf_view(make_odf(tmp_path / "raw", exposures=[]), tmp_path / "view")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "apptainer").write_text('#!/bin/bash\nprintf "%s\\n" "$@" > words\n')
    (tmp_path / "bin" / "apptainer").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    command = PROGRAM.command({"code": tmp_path / "view"}, products={"words": "words"})
    run = run_tool(command, tmp_path / "work", tmp_path / "log", ToolEnvironment(container="sas.sif"))
    words = run.products["words"].read_text().splitlines()
    bound = [words[number + 1].split(":")[0] for number, word in enumerate(words) if word == "--bind"]
    assert bound == [str(tmp_path / name) for name in ("work", "view", "raw")]


def test_unfit_data_are_known_by_the_name_that_the_task_gives(
    standins: Standins, tmp_path: Path, real_data: Path
) -> None:
    """The genuine standard error of 0502671101 PN S003."""
    stderr = tmp_path / "espfilt.stderr"
    stderr.write_text((real_data / "logs" / "espfilt_0502671101PNS003_stderr.log").read_text())
    from daxa_wf.tools.messages import task_messages

    command = TASKS["espfilt"].command({"eventfile": "events.fits"}, products={"gti": "pnS003-gti.fits"})
    messages = tuple(task_messages(stderr.read_text()))
    run = ToolRun(command, command.argv, 1, "", 1.0, 1.0, 1.0, tmp_path / "none", stderr, messages)
    with pytest.raises(UnfitDataError) as caught:
        require_success(run)
    assert caught.value.name == "noCounts"
    assert caught.value.message == "espfilt: All histo counts are zero! Check your FOV Lightcurve!"
    assert len(run.warnings) == 4


def test_esass_must_say_done(standins: Standins, tmp_path: Path) -> None:
    from daxa_wf.observatories.erosita.esass.commands import flaregti
    from daxa_wf.observatories.erosita.flare_options import FlaregtiOptions
    from tests.standins.odf import make_erosita_list

    raw = make_erosita_list(tmp_path / "raw.fits")
    (command,) = flaregti(raw, FlaregtiOptions())
    standins.tell("flaregti:notDone")
    run = execute(command, tmp_path / "work", tmp_path / "log")
    assert set(run.products) == {"events", "lightcurve", "maskimage", "thresholdimage"}
    with pytest.raises(StepFailedError, match="notDone: flaregti did not end with 'flaregti: DONE'"):
        require_success(run)
