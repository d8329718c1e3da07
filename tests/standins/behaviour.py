"""How a stand-in is told to fail: by DAXA_WF_STANDIN, text such as `espfilt:noCounts;evselect@0201903501PNS003:hang`.

After the task's name, `@text` restricts it to calls in whose directory, arguments, environment or event list's
identity the text occurs. Instead of text it may name a JSON file: a list of such entries.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ERRORS = {
    "noCounts": "All histo counts are zero! Check your FOV Lightcurve!",
    "noPNSmallWindow": "Corner data are not available for the PN small window mode",
    "constituent": "Error in constituent task",
    "NoCcfPath": "SAS_CCFPATH is not set",
    "differentObservations": "The two sets are of different observations",
}
"""Error name -> what the task says with it."""

WARNINGS = {"espfilt": "samefit", "emchain": "badexposure", "evselect": "NoWCS", "cifbuild": "InvalidCcfConstituent"}


class Refused(Exception):
    """A task ends with an error of a name."""

    def __init__(self, name: str, text: str = "") -> None:
        self.name, self.text = name, text or ERRORS.get(name, f"{name} occurred")
        super().__init__(self.name)


def entries() -> list[tuple[str, str, str]]:
    """What was told: task, text to look for, behaviour."""
    told = os.environ.get("DAXA_WF_STANDIN", "")
    items = json.loads(Path(told).read_text()) if told.endswith(".json") else told.split(";")
    found = []
    for item in filter(None, items):
        who, _, behaviour = item.partition(":")
        task, _, text = who.partition("@")
        found.append((task.strip(), text.strip(), behaviour.strip()))
    return found


def behaviour_of(task: str, context: str) -> str:
    """What this call is to do: '' for what the real task does."""
    return next((each for name, text, each in entries() if name == task and text in context), "")


def warn(task: str, name: str, text: str = "") -> None:
    """Print a warning and a summary of more of them, as SAS does."""
    print(f"** {task}: warning ({name}), {text or name + ' occurred'}", file=sys.stderr)
    print(f"** {task}: warning (SummaryOfWarnings), \n   warning {name} silently occurred 2 times", file=sys.stderr)


def error(task: str, name: str, text: str = "") -> None:
    """Print an error."""
    print(f"** {task}: error ({name}), {text or ERRORS.get(name, name + ' occurred')}", file=sys.stderr, flush=True)


def misbehave(task: str, behaviour: str) -> bool:
    """Fail as told before any work is done; True if the work is to be left out and the exit code is to be 0.

    `hang` (with a child in the group, and one that left it), `crash` (SIGSEGV), `killed` (SIGKILL), `exit` (code 1
    without a message), `nothing` (code 0, no product), `full` (no space left), `halfway` (a file, then SIGKILL);
    `warn` and `errorZero` (an error line, code 0) and `notDone` are for the end; any other is an error's name.
    """
    if behaviour == "hang":
        _hang()
    elif behaviour == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif behaviour == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif behaviour == "halfway":
        Path("half_written.fits").write_bytes(b"SIMPLE")
        os.kill(os.getpid(), signal.SIGKILL)
    elif behaviour == "exit":
        raise SystemExit(1)
    elif behaviour == "full":
        print("write error: No space left on device", file=sys.stderr)
        raise SystemExit(1)
    elif behaviour == "warn":
        warn(task, WARNINGS.get(task, "someWarning"))
    elif behaviour == "errorZero":
        error(task, "someError", "told and gone on")
        return True
    elif behaviour == "nothing":
        return True
    elif behaviour not in ("", "notDone"):
        raise Refused(behaviour)
    return False


SLEEPER = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(120)"


def _hang() -> None:
    Path("half_written.fits").write_bytes(b"SIMPLE")
    children = [subprocess.Popen([sys.executable, "-c", SLEEPER], start_new_session=leaves) for leaves in (False, True)]
    # Their numbers, for the test to look for.
    place = os.environ.get("DAXA_WF_STANDIN_PIDS")
    if place:
        Path(place).write_text("\n".join(str(pid) for pid in [os.getpid(), *(child.pid for child in children)]))
    time.sleep(120)
