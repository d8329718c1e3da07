"""Text from outside on its way to terminals, logs, records and pages: secrets masked, no control characters, bounded."""

from __future__ import annotations

import logging
import time
import warnings
from pathlib import Path

import pytest

from daxa_wf.chain.runner import log_to
from daxa_wf.errors import ConfigError, ServiceError, StepFailedError, UnfitDataError
from daxa_wf.text import LONGEST_MESSAGE, WARNINGS_A_LOG, fit_to_show, mask_secrets, remember_secret

HOSTILE = "https://me:s3cr3t@host/x?AIOPWD=s3cr3t failed: \x1b]0;owned\x07\x1b[2J\x1b[31mred\r"
CLEAN = "https://***@host/x?AIOPWD=*** failed: red"


@pytest.mark.parametrize("kind", [ServiceError, ConfigError])
def test_an_error_holds_neither_secrets_nor_terminal_escapes(kind: type[Exception]) -> None:
    assert str(kind(HOSTILE)) == CLEAN


@pytest.mark.parametrize("kind", [UnfitDataError, StepFailedError])
def test_the_message_of_a_verdict_is_clean_too(kind: type[UnfitDataError]) -> None:
    error = kind("name", HOSTILE)
    assert (error.message, str(error)) == (CLEAN, f"name: {CLEAN}")


@pytest.mark.parametrize(
    "text", ["https://me:pa/ss@host/x", "https://me:pa?ss@host/x", "https://me:p#a@host/x", "ftp://me@host/x"]
)
def test_a_password_with_characters_of_urls_is_masked(text: str) -> None:
    assert mask_secrets(text).split("@")[0] in ("https://***", "ftp://***")


def test_a_known_password_is_masked_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daxa_wf.text._KNOWN", set())
    remember_secret("p&ss wörd")
    remember_secret("abcdefg")
    remember_secret("")
    text = "no user with p&ss wörd, p%26ss%20w%C3%B6rd or p%26ss+w%C3%B6rd; abcdefg"
    assert mask_secrets(text) == "no user with ***, *** or ***; abcdefg"


def test_a_url_with_a_port_stays_as_it_is() -> None:
    assert mask_secrets("http://host:8080/a/b@c and me@mail") == "http://host:8080/a/b@c and me@mail"


@pytest.mark.parametrize("text", ["?" + "pwd" * 200_000, "://a:b" * 100_000, "\x1b]" * 500_000, "?auth" * 200_000])
def test_hostile_text_is_cleaned_in_bounded_time(text: str) -> None:
    started = time.process_time()
    assert len(fit_to_show(text)) <= LONGEST_MESSAGE + 4
    assert time.process_time() - started < 5


def test_a_log_holds_no_secrets_no_escapes_and_no_flood_of_warnings(tmp_path: Path) -> None:
    """A damaged FITS header causes a warning of astropy for each of its cards."""
    before = logging.root.handlers[:], logging.root.level
    try:
        log_to(tmp_path / "job.log")
        logging.getLogger("daxa_wf").warning("%s", HOSTILE)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(True)
            for number in range(5000):
                warnings.warn(f"card {number} is damaged {'x' * 100}", UserWarning, stacklevel=1)
        logging.getLogger("daxa_wf").info("done")
    finally:
        logging.captureWarnings(False)
        logging.basicConfig(handlers=before[0], level=before[1], force=True)
    lines = (tmp_path / "job.log").read_text().splitlines()
    assert CLEAN in lines[0]
    assert sum("is damaged" in line for line in lines) <= 2 * WARNINGS_A_LOG
    assert "further ones are dropped" in lines[-2]
    assert lines[-1].endswith("done")
