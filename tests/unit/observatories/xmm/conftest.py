"""Genuine event lists of EPIC-MOS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.genuine import ABELL_907, COLLECTIONS, EXTRACTS, Abell907, is_whole

WHOLE_LIST = "P0001730201M1S002MIEVLI.FTZ"


@pytest.fixture(scope="session", params=COLLECTIONS, ids=lambda root: "whole" if is_whole(root) else "extract")
def mos_list(request: pytest.FixtureRequest) -> Path:
    """A compressed list of a MOS: the extract of a cleaned one, and a whole one of the archive."""
    if is_whole(request.param):
        return request.getfixturevalue("exod") / WHOLE_LIST
    return Abell907(EXTRACTS, "0404910601", "mos1").event_list


PRODUCTS = [Abell907(root, obsid, name) for root in COLLECTIONS for obsid, name in ABELL_907]


def _label(products: Abell907) -> str:
    return f"{products.obsid}-{products.name}-{'whole' if is_whole(products.root) else 'extract'}"


@pytest.fixture(scope="module", params=PRODUCTS, ids=_label)
def abell907(request: pytest.FixtureRequest) -> Abell907:
    """What SAS made of one exposure."""
    return request.param
