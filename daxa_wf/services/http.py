"""One kind of HTTP session for everything outside: time limits, retries with backoff, proxies from the environment."""

from __future__ import annotations

import logging
from typing import Any

import requests
import requests.utils
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

import daxa_wf

WORTH_RETRYING = (429, 500, 502, 503, 504)
"""Statuses that may pass: too many requests, and faults of the server. Retry-After is respected."""


POOL = 32
"""Connections kept open to a host."""


class PatientSession(requests.Session):
    """A session whose requests end after a while."""

    def __init__(self, timeout: tuple[float, float]) -> None:
        super().__init__()
        self.timeout = timeout

        self.managers: dict[str, urllib3.PoolManager] = {}

    def open(self, url: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        """An answer whose body is read by the caller: urllib3's, at a third of what requests takes for a small file.

        urllib3's exceptions; proxies, certificates, time limits and retries are those of the session.
        """
        manager = self._manager(url)
        adapter = self.get_adapter(url)
        connect, read = self.timeout
        return manager.request(
            "GET", url, headers={"User-Agent": str(self.headers["User-Agent"]), **headers}, preload_content=False,
            decode_content=False, retries=adapter.max_retries, timeout=urllib3.Timeout(connect=connect, read=read),  # type: ignore[attr-defined]
        )  # fmt: skip

    def _manager(self, url: str) -> urllib3.PoolManager:
        """Connections for a URL's host: through a proxy, if the environment names one."""
        host = url[: url.find("/", len("https://"))]
        if host not in self.managers:
            self.managers[host] = self._new_manager(url)
        return self.managers[host]

    def _new_manager(self, url: str) -> urllib3.PoolManager:
        settings = self.merge_environment_settings(url, {}, True, None, None)
        proxy = requests.utils.select_proxy(url, settings["proxies"])
        bundle = settings["verify"] if isinstance(settings["verify"], str) else requests.utils.DEFAULT_CA_BUNDLE_PATH
        options: dict[str, Any] = {"maxsize": POOL, "ca_certs": str(bundle), "cert_reqs": "CERT_REQUIRED"}
        return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        options["timeout"] = options.get("timeout") or self.timeout
        return super().request(*arguments, **options)


def session(retries: int = 4, backoff: float = 1.0, connect: float = 10.0, read: float = 120.0) -> PatientSession:
    """A session: `retries` with pauses that double from `backoff` seconds, and time limits in seconds."""
    patient = PatientSession((connect, read))
    policy = Retry(
        total=retries, connect=min(retries, 2), backoff_factor=backoff, backoff_max=60,
        status_forcelist=WORTH_RETRYING, allowed_methods=None, respect_retry_after_header=True, raise_on_status=False,
    )  # fmt: skip
    for scheme in ("http://", "https://"):
        patient.mount(scheme, HTTPAdapter(max_retries=policy, pool_maxsize=POOL))
    # Its warnings hold whole URLs, and an archive's URL may hold a password.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    patient.headers["User-Agent"] = f"daxa_wf/{daxa_wf.__version__}"
    return patient
