"""HTTP sessions with limits, retries with backoff, credentials, and proxies from the environment."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import unquote, unquote_plus, urlencode, urljoin, urlsplit

import requests
import requests.utils
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util.retry import Retry

import daxa_wf
from daxa_wf.errors import ServiceError
from daxa_wf.limits import Limits, SpeedGauge, TooSlowError
from daxa_wf.tables.urls import UrlOrigin, has_login, host_of, origin_of, require_safe, shown
from daxa_wf.text import remember_secret

WORTH_RETRYING = (429, 500, 502, 503, 504)
"""Statuses that are temporary: too many requests, and faults of the server. Retry-After is respected."""
LONGEST_BACKOFF = 60.0
"""Longest time in seconds between two attempts, if the server names no time."""
REDIRECTS = 5
POOL = 32
"""Connections kept open to a host."""
CHUNK = 64 * 1024

_LARGEST: ContextVar[int | None] = ContextVar("largest answer", default=None)


class PatientSession(requests.Session):
    """A session that gives up a request when it takes too long, or when its answer is too large, slow or late.

    `logins` maps origins to users and passwords, which are sent to that origin only.
    """

    def __init__(self, timeout: tuple[float, float], retries: int, backoff: float, limits: Limits) -> None:
        super().__init__()
        self.timeout, self.retries, self.backoff, self.limits = timeout, retries, backoff, limits
        self.max_redirects = REDIRECTS
        self.managers: dict[str, urllib3.PoolManager] = {}
        self.logins: dict[UrlOrigin, tuple[str, str]] = {}
        # This class retries statuses itself: urllib3 would read the whole body of a refusal, however long, and wait as
        # long as a server asks.
        policy = Retry(
            total=retries, connect=min(retries, 2), backoff_factor=backoff, backoff_max=LONGEST_BACKOFF,
            status_forcelist=(), allowed_methods=None, respect_retry_after_header=False, raise_on_status=False,
        )  # fmt: skip
        self.policy = policy
        for scheme in ("http://", "https://"):
            self.mount(scheme, _LimitedAdapter(self, max_retries=policy, pool_maxsize=POOL))

    def accept(self, url: str) -> str:
        """Return a URL of the configuration without user and password, which are kept for its origin only.

        ServiceError if a URL with a password is not https.
        """
        if not has_login(url):
            return url
        require_safe(url)
        parts = urlsplit(url)
        password = unquote(parts.password or "")
        remember_secret(password)
        self.logins[origin_of(url)] = (unquote(parts.username or ""), password)
        return parts._replace(netloc=host_of(url)).geturl()

    @contextmanager
    def expecting(self, largest: int) -> Iterator[None]:
        """Accept answers of up to `largest` bytes for the requests of this thread, within the context."""
        token = _LARGEST.set(largest)
        try:
            yield
        finally:
            _LARGEST.reset(token)

    def open(
        self, url: str, headers: dict[str, str], secret: Mapping[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Send a request, and return urllib3's answer, whose body the caller reads.

        For a small file this takes a third of the time that requests takes. `secret` is sent as parameters, to this
        origin only. Proxies, certificates, time limits and retries are those of the session. Raises urllib3's exceptions,
        and ServiceError if a redirect would carry the secret to another origin.
        """
        target = url
        if secret:
            require_safe(url)
            target = f"{url}{'&' if '?' in url else '?'}{urlencode(secret)}"
        for _ in range(REDIRECTS + 1):
            response = self._send(target, headers)
            location = response.get_redirect_location()
            if not location:
                return response
            response.close()
            target = _followed(target, location, url, secret or {})
        raise ServiceError(f"{shown(url)}: more than {REDIRECTS} redirects")

    def _send(self, url: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        manager, (connect, read) = self._manager(url), self.timeout
        sent = {"User-Agent": str(self.headers["User-Agent"]), **headers}
        if login := self.logins.get(origin_of(url)):
            sent |= urllib3.make_headers(basic_auth=":".join(login))
        for attempt in range(self.retries + 1):
            response = manager.request(
                "GET", url, headers=sent, preload_content=False, decode_content=False, retries=self.policy, redirect=False,
                timeout=urllib3.Timeout(connect=connect, read=read),
            )  # fmt: skip
            wait = self.wait_before_retry(url, response.status, response.headers, attempt)
            if wait is None:
                break
            response.close()
            time.sleep(wait)
        return response

    def wait_before_retry(self, url: str, status: int, headers: Mapping[str, str], attempt: int) -> float | None:
        """Return the seconds to wait before a request is sent again, or None if its answer is final.

        ServiceError if the server asks for a longer wait than the limit.
        """
        if status not in WORTH_RETRYING or attempt >= self.retries:
            return None
        after = headers.get("Retry-After")
        try:
            wait = self.policy.parse_retry_after(after) if after else min(self.backoff * 2**attempt, LONGEST_BACKOFF)
        except (InvalidHeader, OverflowError, ValueError):
            wait = min(self.backoff * 2**attempt, LONGEST_BACKOFF)
        if wait > self.limits.retry_after:
            raise ServiceError(
                f"{shown(url)}: status {status}, and it asks to wait {wait:.0f} s before the next request, longer than "
                f"limits.retry_after = {self.limits.retry_after:.0f} s"
            )
        return wait

    def _manager(self, url: str) -> urllib3.PoolManager:
        """Return the connections to a URL's host, through a proxy if the environment names one."""
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
        """Send a request, and read its whole answer within the limits."""
        options["timeout"] = options.get("timeout") or self.timeout
        login = self.logins.get(origin_of(str(arguments[1] if len(arguments) > 1 else options["url"])))
        # Without a login, requests would take one from ~/.netrc, for http too.
        options["auth"] = options.get("auth") or login or _NoLogin()
        return super().request(*arguments, **options)

    def rebuild_auth(self, prepared_request: Any, response: requests.Response) -> None:
        """Drop credentials that a redirect would carry to another host, port or scheme."""
        if origin_of(str(prepared_request.url)) != origin_of(str(response.request.url)):
            prepared_request.headers.pop("Authorization", None)


class _NoLogin(AuthBase):
    """Authentication that sends no credentials."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _followed(target: str, location: str, url: str, secret: Mapping[str, str]) -> str:
    """Return the target of a redirect. ServiceError if it would carry a secret to another origin."""
    following = urljoin(target, location)
    parts = urlsplit(following)
    carried = any(value and value in text for value in secret.values() for text in (following, unquote_plus(following)))
    if carried and origin_of(following) != origin_of(url):
        raise ServiceError(f"{shown(url)} redirects to {shown(following)} with your credentials: refused")
    origin_of(following)
    return parts._replace(netloc=host_of(following)).geturl()


class _LimitedAdapter(HTTPAdapter):
    """A transport for requests that reads whole answers of any status, within the limits."""

    def __init__(self, session: PatientSession, **options: Any) -> None:
        self._session = session
        super().__init__(**options)

    def send(self, request: requests.PreparedRequest, stream: bool = False, *further: Any, **options: Any) -> Any:  # noqa: ARG002
        """Send a request, and again if its status is temporary. ServiceError if the answer goes beyond a limit."""
        url, started = str(request.url), time.monotonic()
        for attempt in range(self._session.retries + 1):
            response = super().send(request, True, *further, **options)
            wait = self._session.wait_before_retry(url, response.status_code, response.headers, attempt)
            if wait is None:
                break
            response.close()
            time.sleep(wait)
        try:
            body = _body(response.raw, shown(url), self._session.limits, started)
        except HTTPError as error:
            raise requests.ConnectionError(type(error).__name__, request=request) from None
        finally:
            response.close()
        kept = {key: value for key, value in response.headers.items() if key.lower() not in _DONE_WITH}
        plain = urllib3.HTTPResponse(
            io.BytesIO(body), kept, status=response.status_code, reason=response.reason, preload_content=False
        )
        return self.build_response(request, plain)


_DONE_WITH = ("content-encoding", "transfer-encoding", "content-length", "set-cookie")


def _body(raw: Any, name: str, limits: Limits, started: float) -> bytes:
    """Return the decompressed body of an answer. ServiceError if it is too large, too slow or too late."""
    largest = _LARGEST.get() or limits.listing
    gauge, packed = SpeedGauge(limits), io.BytesIO()
    try:
        while chunk := raw.read1(CHUNK, decode_content=False):
            packed.write(chunk)
            gauge.add(len(chunk))
            _refuse_beyond(packed.tell(), largest, name)
            if time.monotonic() - started > limits.answer_time:
                raise ServiceError(f"{name}: the answer has not ended after {limits.answer_time:.0f} s: given up")
    except TooSlowError as slow:
        raise ServiceError(f"{name}: the answer came too slowly ({slow}): given up") from None
    packed.seek(0)
    encoding = {"Content-Encoding": raw.headers.get("Content-Encoding", "")}
    decoded, body = urllib3.HTTPResponse(packed, encoding, preload_content=False), io.BytesIO()
    while chunk := decoded.read(CHUNK, decode_content=True):
        body.write(chunk)
        _refuse_beyond(body.tell(), largest, name)
    return body.getvalue()


def _refuse_beyond(size: int, largest: int, name: str) -> None:
    if size > largest:
        raise ServiceError(f"{name}: the answer is larger than {largest} bytes: given up (see `limits`)")


def session(
    retries: int = 4, backoff: float = 1.0, connect: float = 10.0, read: float = 120.0, limits: Limits | None = None
) -> PatientSession:
    """Return a session. Pauses between retries double from `backoff`; `connect` and `read` are time limits; all in seconds."""
    patient = PatientSession((connect, read), retries, backoff, limits or Limits())
    # urllib3's warnings show whole URLs, and the URL of a data centre may hold a password.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    patient.headers["User-Agent"] = f"daxa_wf/{daxa_wf.__version__}"
    return patient
