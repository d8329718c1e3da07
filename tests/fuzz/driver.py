"""The driver of the fuzz tests: mutate inputs, and see that a parser ends with a result or the package's own error.

The cases of a run are the same every time. `DAXA_WF_FUZZ=100 pytest tests/fuzz` (`make fuzz`) runs a hundred times as many.
"""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from daxa_wf.errors import DaxaError

FACTOR = int(os.environ.get("DAXA_WF_FUZZ", "1"))
"""How many times the usual number of cases is run."""

SECONDS = 60
"""Time that one case may take. It is long, for the machine may be busy with other things."""

MEMORY = 1 << 30
"""Bytes that a parser may take beyond what the process has already."""

Text = TypeVar("Text", str, bytes)

NUMBERS = (
    "0", "-1", "1", "255", "65536", "2147483648", "-9223372036854775809", "18446744073709551616", "999999999999",
    "1e300", "-1e308", "1e999", "nan", "inf", "-inf", "0.1", "1e-320", "", "9" * 5000, "0x1f", "٣",
)  # fmt: skip
"""What numbers in an input are replaced by."""

ODD_TEXT = (
    "\0",
    "\n",
    "\r",
    "\t",
    "\x1b[2J",
    "'",
    '"',
    "\\",
    "{",
    "}",
    "<",
    ">",
    "&",
    "%s",
    "é",
    "\u2028",
    "\ud800",
    "\ufeff",
)

NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")
NUMBER_IN_BYTES = re.compile(NUMBER.pattern.encode())


class TooSlowError(BaseException):
    """A case took longer than it may; not an Exception, so that no parser can take it for a mistake in its input."""


def fuzz(
    parse: Callable[[Any], object],
    seeds: Sequence[Text],
    words: Sequence[Text] = (),
    cases: int = 300,
    mutate: Callable[[Any, random.Random, Sequence[Any]], Any] | None = None,
) -> None:
    """Give a parser mutated seeds; AssertionError with the input of the first case that does not end as it must.

    Every seed must be accepted as it is, or the cases would prove little.
    """
    for seed in seeds:
        parse(seed)
    wrong: list[str] = []
    for number in range(cases * FACTOR):
        chance = random.Random(number)
        data = (mutate or mutated)(chance.choice(seeds), chance, [*words, *seeds])
        problem = _problem(parse, data)
        if problem:
            wrong.append(f"case {number}: {problem}: {_shown(data)}")
    shown = "\n".join(wrong[:10])
    assert not wrong, f"{len(wrong)} of {cases * FACTOR} cases ended with neither a result nor a DaxaError:\n{shown}"


def fuzz_file(parse: Callable[[Path], object], seeds: Sequence[bytes], path: Path, **options: Any) -> None:
    """Give the parser of a file mutated files, as `path`."""

    def parse_file(data: bytes) -> object:
        path.write_bytes(data)
        return parse(path)

    fuzz(parse_file, seeds, **options)


def _problem(parse: Callable[[Any], object], data: Any) -> str:
    """Return how a case ended wrongly, or '' if it ended with a result or a DaxaError."""
    try:
        with bounded(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parse(data)
    except DaxaError as error:
        return "" if str(error).isprintable or len(str(error)) < 100_000 else "the message is too long"
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of Rust code is not an Exception
        return f"{type(error).__module__}.{type(error).__name__}: {str(error)[:200]}{_place(error)}"
    return ""


def _place(error: BaseException) -> str:
    """Return the line of the package that an error came through last."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "daxa_wf/" in name and "/tests/" not in name:
            place = f" at {name.rpartition('daxa_wf/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _shown(data: Any) -> str:
    text = repr(data)
    return text if len(text) < 400 else f"{text[:200]} ... {text[-200:]} ({len(data)} long)"


@contextmanager
def bounded(seconds: float = SECONDS, memory: int = MEMORY) -> Iterator[None]:
    """Limit time and memory of what runs within: TooSlowError, MemoryError."""

    def end(*_: object) -> None:
        raise TooSlowError(f"it takes more than {seconds} s")

    before = signal.signal(signal.SIGALRM, end)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + memory, limits[1]))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, limits)


def mutated(data: Text, chance: random.Random, words: Sequence[Text]) -> Text:
    """Change an input in one to four places."""
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(MUTATIONS)(data, chance, words)
    return data[:200_000]


def _like(data: Any, text: str) -> Any:
    return text if isinstance(data, str) else text.encode(errors="surrogatepass")


def _span(data: Any, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + int(chance.expovariate(0.15)) + 1)


def _remove(data: Any, chance: random.Random, words: Sequence[Any]) -> Any:
    start, end = _span(data, chance)
    return data[:start] + data[end:]


def _repeat(data: Any, chance: random.Random, words: Sequence[Any]) -> Any:
    start, end = _span(data, chance)
    return data[:start] + data[start:end] * chance.choice((2, 3, 20, 300)) + data[end:]


def _insert(data: Any, chance: random.Random, words: Sequence[Any]) -> Any:
    at = chance.randrange(len(data) + 1)
    word = chance.choice(words) if words and chance.random() < 0.7 else _like(data, chance.choice(ODD_TEXT))
    return data[:at] + word + data[at:]


def _exchange(data: Any, chance: random.Random, words: Sequence[Any]) -> Any:
    start, end = _span(data, chance)
    word = chance.choice(words) if words else _like(data, chance.choice(ODD_TEXT))
    return data[:start] + word + data[end:]


def _flip(data: Any, chance: random.Random, words: Sequence[Any]) -> Any:
    if not data:
        return data
    at = chance.randrange(len(data))
    new = chr(chance.randrange(256)) if isinstance(data, str) else bytes([chance.randrange(256)])
    return data[:at] + new + data[at + 1 :]


def _cut_off(data: Any, chance: random.Random, words: Sequence[Any]) -> Any:
    return data[: chance.randrange(len(data) + 1)]


def _number(data: Any, chance: random.Random, words: Sequence[Any]) -> Any:
    places = list((NUMBER if isinstance(data, str) else NUMBER_IN_BYTES).finditer(data))
    if not places:
        return data
    place = chance.choice(places)
    return data[: place.start()] + _like(data, chance.choice(NUMBERS)) + data[place.end() :]


MUTATIONS = (_remove, _repeat, _insert, _insert, _exchange, _flip, _cut_off, _number, _number)
"""Ways to change an input; those that find most are there twice."""

CARD = re.compile(rb"[A-Z][A-Z0-9_-]{0,7} *= [^/]{20}")
CARDS = (
    "T", "F", "0", "1", "-1", "8", "7", "999999999999", "9223372036854775807", "1E300", "NAN", "'abc     '", "''", "1.5", "",
    "'1PD(9)  '", "'0D      '", "'-1D     '", "'99999999D'", "'D       '", "'A       '", "'START   '", "2", "3", "- 5",
)  # fmt: skip
"""What the value of a card of a FITS header is replaced by."""


def mutated_fits(data: bytes, chance: random.Random, words: Sequence[bytes]) -> bytes:
    """Change a FITS file: values of cards in their places, bytes of the data, the length of the file."""
    for _ in range(chance.randint(1, 3)):
        cards = [card for card in CARD.finditer(data[:200_000]) if card.start() % 80 == 0]
        if cards and chance.random() < 0.7:
            at = chance.choice(cards).start()
            key = data[at : at + 8] if chance.random() < 0.85 else chance.choice(cards)[0][:8]
            data = data[:at] + key + b"= " + chance.choice(CARDS).encode().rjust(20) + data[at + 30 :]
        else:
            data = chance.choice((_flip, _flip, _cut_off, _exchange, _remove))(data, chance, words)
    return data
