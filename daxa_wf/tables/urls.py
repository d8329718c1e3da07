"""URLs without secrets, and the URLs that credentials may be sent to."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from daxa_wf.errors import ServiceError

PORTS = {"http": 80, "https": 443}

UrlOrigin = tuple[str, str, int]
"""Scheme, host and port: credentials for one are never sent to another."""


def shown(url: str) -> str:
    """Return a URL without its query and user, which may hold a password, for messages and records.

    >>> shown("https://me:secret@mirror.edu/FTP/file.fits?token=1")
    'https://mirror.edu/FTP/file.fits'
    """
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return f"{parts.scheme}://{host_of(url)}{parts.path}"


def host_of(url: str) -> str:
    """Return the host of a URL, with the port if the URL names one, without user and password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def origin_of(url: str) -> UrlOrigin:
    """Return scheme, host and port of a URL. ServiceError if it is not a URL of http or https."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise ServiceError(f"{shown(url)} is not a URL of http or https") from None
    return parts.scheme, parts.hostname or "", port


def may_carry_credentials(url: str) -> bool:
    """Return True for https, and for http to this machine itself, where tests and tunnels end."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def has_login(url: str) -> bool:
    """Return True if a URL names a user or a password."""
    return "@" in urlsplit(url).netloc


def require_safe(url: str) -> None:
    """Raise ServiceError if credentials may not be sent to a URL."""
    if not may_carry_credentials(url):
        raise ServiceError(f"{shown(url)}: credentials are sent over https only; write https:// in place of http://")
