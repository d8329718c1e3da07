"""Products reach a program over SAMP: a hub of this process, and a client that receives, on the loopback."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from pyvo.samp import SAMPHubServer, SAMPIntegratedClient
from typer.testing import CliRunner

from daxa_wf.cli.main import app
from daxa_wf.errors import ConfigError
from tests.small_archive import write_small_archive

Messages = queue.Queue[tuple[str, dict[str, Any]]]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small archive, and no hub but one whose lock file is here."""
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'samp').as_uri()}")
    return write_small_archive(tmp_path / "my archive").root


@pytest.fixture
def hub(root: Path) -> Iterator[SAMPHubServer]:
    server = SAMPHubServer(addr="localhost", lockfile=str(root.parent / "samp"), web_profile=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def viewer(hub: SAMPHubServer) -> Iterator[Messages]:
    """A program with the name Viewer that loads images and tables; what it receives."""
    received: Messages = queue.Queue()
    client = SAMPIntegratedClient("Viewer", addr="localhost")
    client.connect()
    for kind in ("image.load.fits", "table.load.fits"):
        client.bind_receive_notification(
            kind, lambda key, sender, mtype, parameters, extra: received.put((mtype, parameters))
        )
    yield received
    client.disconnect()


def send(root: Path, *options: str) -> str:
    done = CliRunner().invoke(app, ["send", str(root), *options])
    if done.exception is not None:
        raise done.exception
    return done.stdout


def path_in(parameters: dict[str, Any]) -> Path:
    return Path(unquote(urlsplit(parameters["url"]).path))


def test_an_image_reaches_the_program_that_loads_images(root: Path, viewer: Messages) -> None:
    said = send(root, "--instrument", "PN", "--kind", "image", "--band", "0.5-2")
    assert said == "obsid0201903501-instPN-subexpALL-en0.5_2.0keV-image.fits: Viewer\n"
    kind, parameters = viewer.get(timeout=20)
    assert (kind, parameters["name"]) == ("image.load.fits", "0201903501 PN image 0.5-2 keV")
    assert path_in(parameters).is_file()
    assert path_in(parameters).name == "obsid0201903501-instPN-subexpALL-en0.5_2.0keV-image.fits"
    assert viewer.empty()


def test_event_lists_are_sent_as_tables_and_only_to_the_program_that_is_named(root: Path, viewer: Messages) -> None:
    assert send(root, "--kind", "event list", "--to", "viewer").endswith("finalevents.fits: Viewer\n")
    kind, parameters = viewer.get(timeout=20)
    assert kind == "table.load.fits"
    assert path_in(parameters).read_bytes()[:6] == b"SIMPLE"
    with pytest.raises(ConfigError, match=r"--to Viewr: no such program loads images; there is Viewer"):
        send(root, "--to", "Viewr")


def test_without_hub_program_or_product_the_reason_is_stated(root: Path) -> None:
    with pytest.raises(ConfigError, match="no SAMP hub is running; start TOPCAT"):
        send(root)
    with pytest.raises(ConfigError, match="0 products match; choose 1 to 50"):
        send(root, "--exposure", "U999")


def test_a_hub_without_programs_is_named(root: Path, hub: SAMPHubServer) -> None:
    with pytest.raises(ConfigError, match="no program that loads images is connected"):
        send(root)


def test_a_hub_that_has_died_is_no_hub(root: Path) -> None:
    secret = "samp.secret=0123\nsamp.hub.xmlrpc.url=http://127.0.0.1:9/\nsamp.profile.version=1.3\n"
    (root.parent / "samp").write_text(secret)
    with pytest.raises(ConfigError, match="no SAMP hub is running") as caught:
        send(root)
    assert "0123" not in str(caught.value)
