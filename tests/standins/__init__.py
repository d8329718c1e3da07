"""Stand-ins for SAS and eSASS: executables that check, refuse, write and print as the real tasks do.

They are tests' tools only: nothing that they make is a result.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.standins.tables import TASKS

REPOSITORY = Path(__file__).parents[2]
RELEASES = {
    "19.0.0": "xmmsas_20201028_0905-19.0.0",
    "20.0.0": "xmmsas_20211130_0941-20.0.0",
    "21.0.0": "xmmsas_20230412_1735-21.0.0",
    "22.0.0": "22.0.0-9173c7d25-20250127",
    "13.5.0": "xmmsas_20131209_1901-13.5.0",
}
"""Release -> what `sas --version` has in brackets."""

CONSTITUENTS = ("EMOS1_ADUCONV_0110.CCF", "EMOS2_ADUCONV_0110.CCF", "EPN_ADUCONV_0119.CCF", "XMM_MISCDATA_0022.CCF")

SHELL_PROGRAMS = {
    "sas": 'r=$(cat "$SAS_DIR/release" 2>/dev/null)\n'
    "printf 'XMM-Newton SAS - release and build information\\n\\nSAS release: [%s]\\n' \"$r\"",
    "lcurve": "echo lcurve",
    "fversion": "echo 01Jan2026_V6.36",
}
"""Programs that are only asked for their release: every step asks, so they must be quick."""

LAUNCHER = """#!{python} -S
import sys
sys.path[:0] = {path!r}
from tests.standins.main import main
sys.exit(main({task!r}, sys.argv[1:]))
"""


@dataclass(frozen=True)
class Standins:
    """An installation of stand-ins: directory of the executables, the environment that a user would have."""

    root: Path
    environ: dict[str, str]

    @property
    def lists(self) -> Path:
        """Where the lists are kept that the chains made."""
        return Path(self.environ["DAXA_WF_STANDIN_LISTS"])

    @property
    def log(self) -> Path:
        """Where every call is noted, a line of JSON each."""
        return self.root / "calls.jsonl"

    def tell(self, *entries: str) -> None:
        """What is to go wrong from now on, such as `espfilt@0201903501PNS003:noCounts`; nothing if nothing is given."""
        (self.root / "told.json").write_text(json.dumps(list(entries)))

    def calls(self, task: str = "") -> list[dict[str, Any]]:
        """The calls until now, of one task if it is named."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [call for call in map(json.loads, lines) if task in ("", call["task"])]


def make_standins(
    root: Path, release: str = "20.0.0", tasks: tuple[str, ...] = tuple(TASKS), lists: Path | None = None
) -> Standins:
    """Install stand-ins below `root`: bin, SAS_DIR, HEADAS with its templates, calibration files.

    `lists`: where lists that the chains made are kept, for others to use too.
    """
    programs, sas, headas, calibration = (root / name for name in ("bin", "sas", "headas", "ccf"))
    lists = lists or root / "lists"
    for place in (programs, sas, headas / "syspfiles", calibration, lists):
        place.mkdir(parents=True, exist_ok=True)
    path = [str(REPOSITORY), *(entry for entry in sys.path if entry.endswith("site-packages"))]
    texts = {task: LAUNCHER.format(python=sys.executable, path=path, task=task) for task in tasks}
    texts |= {name: f"#!/bin/sh\n{text}\n" for name, text in SHELL_PROGRAMS.items()}
    for name, text in texts.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (sas / "release").write_text(RELEASES[release])
    for name in CONSTITUENTS:
        (calibration / name).write_text("")
    standins = Standins(root, {})
    standins.environ.update({
        "PATH": f"{programs}:{os.environ['PATH']}", "SAS_DIR": str(sas), "SAS_PATH": str(sas),
        "SAS_CCFPATH": str(calibration), "HEADAS": str(headas), "PFILES": f"{root / 'own'};{headas / 'syspfiles'}",
        "DAXA_WF_STANDIN": str(root / "told.json"), "DAXA_WF_STANDIN_LOG": str(standins.log),
        "DAXA_WF_STANDIN_LISTS": str(lists),
    })  # fmt: skip
    standins.tell()
    return standins


def gone(pid: int) -> bool:
    """True if a process is no more, or only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_for(pids: Path) -> None:
    """Wait until a task that was told to hang has written the numbers of its three processes."""
    for _ in range(3000):
        if pids.exists() and len(pids.read_text().split()) == 3:
            return
        time.sleep(0.02)
    raise AssertionError("the task did not start")


def all_gone(pids: Path) -> bool:
    """True once the three processes of a task that was told to hang are gone; False if they do not go."""
    numbers = [int(pid) for pid in pids.read_text().split()]
    assert len(numbers) == 3
    for _ in range(100):
        if all(gone(pid) for pid in numbers):
            return True
        time.sleep(0.02)
    return False
