"""One kind of HTTP session for everything outside: time limits, retries with backoff, proxies from the environment."""

from __future__ import annotations

import logging
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

import daxa_wf

WORTH_RETRYING = (429, 500, 502, 503, 504)
"""Statuses that may pass: too many requests, and faults of the server. Retry-After is respected."""


POOL = 32
"""Connections kept open to a host."""


class _PatientSession(requests.Session):
    """A session whose requests end after a while."""

    def __init__(self, timeout: tuple[float, float]) -> None:
        super().__init__()
        self.timeout = timeout

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        options["timeout"] = options.get("timeout") or self.timeout
        return super().request(*arguments, **options)


def session(retries: int = 4, backoff: float = 1.0, connect: float = 10.0, read: float = 120.0) -> requests.Session:
    """A session: `retries` with pauses that double from `backoff` seconds, and time limits in seconds."""
    patient = _PatientSession((connect, read))
    policy = Retry(
        total=retries, backoff_factor=backoff, backoff_max=60, status_forcelist=WORTH_RETRYING, allowed_methods=None,
        respect_retry_after_header=True, raise_on_status=False,
    )  # fmt: skip
    for scheme in ("http://", "https://"):
        patient.mount(scheme, HTTPAdapter(max_retries=policy, pool_maxsize=POOL))
    # Its warnings hold whole URLs, and an archive's URL may hold a password.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    patient.headers["User-Agent"] = f"daxa_wf/{daxa_wf.__version__}"
    return patient
