"""What the environment says about proxies and certificates, read once when a client is made."""

from __future__ import annotations

import os
import ssl
from base64 import b64encode
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import unquote, urlsplit

import certifi

from ..errors import InvalidRequest

PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class Proxy:
    """A proxy, read from its URL. Behind `socks5` and `socks5h` alike, it is the proxy that looks up names."""

    def __init__(self, source: str, text: str) -> None:
        """Read a URL; raise `InvalidRequest` that names the variable or option it is from, and not its password."""
        try:
            self.url = text if "://" in text else f"http://{text}"
            parts = urlsplit(self.url)
            self.scheme, self.host, usual_port = parts.scheme, parts.hostname or "", PORTS[parts.scheme]
            self.port = parts.port or usual_port
            self.user, self.password = unquote(parts.username or "").encode(), unquote(parts.password or "").encode()
            possible = self.host and max(len(self.user), len(self.password)) < 256
        except (ValueError, KeyError, TypeError):
            possible = False
        if not possible:
            raise InvalidRequest(source, "must be the URL of an http, https or socks5 proxy, such as http://host:8080")
        self.is_socks = self.scheme.startswith("socks")
        basic = b64encode(self.user + b":" + self.password).decode()
        self.headers = [("Proxy-Authorization", f"Basic {basic}")] if self.user else []


class Proxies:
    """Which proxy leads to a service: the option `proxy=` for all, or else the environment's.

    HTTPS_PROXY and HTTP_PROXY count for URLs of that scheme, ALL_PROXY where they are not set; names in lower case come
    first, and HTTP_PROXY does not count in a CGI script, where a header of the request would set it. NO_PROXY lists
    exceptions, by commas: `*` for all; `example.com` or `.example.com` for the name and its subdomains; an IP address,
    also in brackets; a network such as `10.0.0.0/8`; each with `:port` if only that port is meant.
    """

    def __init__(self, option: str | None) -> None:
        self._proxies: dict[str, Proxy] = {}
        self._exceptions: list[tuple[str, IPv4Network | IPv6Network | None, str]] = []
        for scheme in ("http", "https"):
            variables = [_read(f"{scheme.upper()}_PROXY"), _read("ALL_PROXY")]
            for source, text in variables if option is None else [("proxy", option)]:
                if scheme not in self._proxies and (text or option is not None):
                    self._proxies[scheme] = Proxy(source, text)
        if option is not None:
            return
        for entry in _read("NO_PROXY")[1].lower().replace(",", " ").split():
            name, _, port = entry.rpartition(":")
            if not port.isdecimal() or (":" in name and not name.endswith("]")):
                name, port = entry, ""
            self._exceptions.append((name.strip("[]"), _network(name.strip("[]")), port))

    def find(self, scheme: str, host: str, port: int) -> Proxy | None:
        """Return the proxy for a service, or None if it is to be reached without one."""
        address = _network(host)
        for name, network, only in self._exceptions:
            same_name = not address and f".{host}".endswith(f".{name.removeprefix('*').removeprefix('.')}")
            same_network = address and network and address.network_address in network
            if (name == "*" or same_name or same_network) and only in ("", str(port)):
                return None
        return self._proxies.get(scheme)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _read(name: str) -> tuple[str, str]:
    """Return an environment variable's name, as it is spelled there, and its text."""
    if name.lower() in os.environ or (name == "HTTP_PROXY" and "REQUEST_METHOD" in os.environ):
        return name.lower(), os.environ.get(name.lower(), "")
    return name, os.environ.get(name, "")


def _has_certificates(path: Path) -> bool:
    try:
        return b"-----BEGIN " in path.read_bytes()
    except OSError:
        return False


class Trust:
    """Which certificates are accepted: those of `ssl_context=`, or of SSL_CERT_FILE, SSL_CERT_DIR or else certifi."""

    def __init__(self, ssl_context: object) -> None:
        """Check what the variables name; the certificates are loaded for the first https connection."""
        self._context: ssl.SSLContext | None = None
        self._file, self._folders = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        if ssl_context is not None:
            if not isinstance(ssl_context, ssl.SSLContext):
                raise InvalidRequest("ssl_context", "must be an ssl.SSLContext")
            self._context = ssl_context
            return
        if self._file and not _has_certificates(Path(self._file)):
            raise InvalidRequest("SSL_CERT_FILE", "must name a file of certificates in PEM form: correct or unset it")
        if self._folders and not all(Path(each).is_dir() for each in self._folders.split(os.pathsep)):
            raise InvalidRequest("SSL_CERT_DIR", "must name a directory of certificates: correct or unset it")

    def context(self) -> ssl.SSLContext:
        """Return the context for every TLS connection."""
        if self._context is None:
            file = self._file or (None if self._folders else certifi.where())
            try:
                context = ssl.create_default_context(cafile=file, capath=None if file else self._folders)
            except OSError as error:
                variable = "SSL_CERT_FILE" if self._file else "SSL_CERT_DIR"
                raise InvalidRequest(variable, f"cannot be read: {error}") from error
            context.set_alpn_protocols(["http/1.1"])
            self._context = context
        return self._context
