"""The time limit of a step: what is interrupted, what is left of it, and what the configuration says of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from daxa_wf.archive.layout import Layout
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.runner import Inputs, Outcome, run_step, staging_area
from daxa_wf.config.limits_section import LimitsSection
from daxa_wf.config.reading import parse_config
from daxa_wf.errors import ConfigError, Fault
from daxa_wf.mission.registry import STEPS
from daxa_wf.time_limit import STEP_TIME, time_limit
from daxa_wf.units import Unit

UNIT = Unit("xmm_pointed", "0201903501", "PN", "S003")


def test_work_that_takes_too_long_is_stopped_with_a_message() -> None:
    started = time.monotonic()
    message = r"^espfilt did not end within 0\.1 s and was stopped; raise it$"
    with pytest.raises(Fault, match=message), time_limit(0.1, "espfilt", "raise it"):
        time.sleep(30)
    assert 0.1 <= time.monotonic() - started < 10


def test_work_that_goes_on_after_errors_is_stopped_too() -> None:
    def go_on() -> None:
        while True:
            with suppress(Exception):
                time.sleep(30)

    with pytest.raises(Fault, match="did not end"), time_limit(0.1, "espfilt", "raise it"):
        go_on()


def test_work_in_time_leaves_no_alarm() -> None:
    usual = signal.getsignal(signal.SIGALRM)
    with time_limit(30, "espfilt", "raise it"):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert (signal.getitimer(signal.ITIMER_REAL), signal.getsignal(signal.SIGALRM)) == ((0.0, 0.0), usual)
    with pytest.raises(KeyError), time_limit(30, "espfilt", "raise it"):
        raise KeyError
    assert signal.getsignal(signal.SIGALRM) is usual
    with time_limit(None, "espfilt", "raise it"):
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_other_threads_are_not_limited() -> None:
    ended = []

    def work() -> None:
        with time_limit(0.01, "espfilt", "raise it"):
            time.sleep(0.1)
        ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended == [True]


def test_compiled_code_that_does_not_return_ends_the_process() -> None:
    code = (
        "from daxa_wf import time_limit\ntime_limit.GRACE = 0.2\n"
        "with time_limit.time_limit(0.1, 'espfilt', 'raise it'):\n    sum(range(10**15))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "Timeout" in ended.stderr


def test_a_step_past_its_limit_leaves_a_fault_note_and_nothing_else(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")

    def slow(unit: Unit, inputs: Inputs, options: Any, workspace: Any) -> Outcome:
        workspace.stage("gti").write_text("half")
        time.sleep(30)
        return Outcome()

    with pytest.raises(Fault):
        run_step(STEPS["espfilt"], UNIT, Inputs(), {"method": "histogram"}, layout, slow, {STEP_TIME: 0.1})
    note = json.loads(layout.fault("espfilt", UNIT).read_text())
    assert note["error"] == "Fault"
    assert note["message"] == (
        "espfilt of 0201903501PNS003 did not end within 0.1 s and was stopped; raise limits.step_time (now 0.1 s), or look for "
        "the cause in its log"
    )
    assert not layout.record("espfilt", UNIT).exists()
    assert list(staging_area(layout).iterdir()) == []
    assert not layout.product(UNIT, "gti").exists()


def planned(**limits: Any) -> Plan:
    missions = {"xmm_pointed": {"source": {"archives": "any"}}}
    return Plan(parse_config({"archive": "a", "limits": limits, "missions": missions}), Path("/nowhere"))


def test_one_time_is_that_of_all_steps_but_acquire_and_several_are_those_of_their_steps() -> None:
    one, several, none = (
        LimitsSection(**given)
        for given in ({"step_time": "2 min"}, {"step_time": {"acquire": "1 h", "merge": "9 s"}}, {})
    )
    assert [one.seconds_of(step) for step in ("acquire", "espfilt", "report")] == [None, 120.0, 120.0]
    assert [several.seconds_of(step) for step in ("acquire", "espfilt", "merge")] == [3600.0, None, 9.0]
    assert none.seconds_of("espfilt") is None


def test_jobs_get_the_time_as_context_which_records_do_not_keep() -> None:
    wildcards = SimpleNamespace(mission="xmm_pointed", obsid="0201903501")
    plan = planned(step_time={"merge": "9 s"})
    for step in ("merge", "inventory", "espfilt"):
        params = plan.params(step)
        context = params["context"](wildcards, None) if "context" in params else {}
        assert context == ({STEP_TIME: 9.0} if step == "merge" else {})
    assert planned(step_time="9 s").params("report")["context"](wildcards, None) == {STEP_TIME: 9.0}
    assert planned().params("report") == {}
    assert plan.options("merge")(wildcards) == planned().options("merge")(wildcards)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("0 s", "limits.step_time: "),
        (600, "limits.step_time: "),
        ({"espfilter": "9 s"}, "unknown step 'espfilter'; allowed are acquire, "),
        ({"espfilt": 9}, "limits.step_time.espfilt: write a number with a unit"),
    ],
)
def test_wrong_times_are_refused(wrong: Any, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        planned(step_time=wrong)
    assert expected in str(caught.value)
