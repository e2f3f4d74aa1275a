"""Who may use the page: the person who has its address with the token, from the page itself, on this machine's name.

A web page of somebody else in the same browser can open sockets to this machine. So a request must name a host that is
ours (against DNS rebinding), come from no other page (Origin), and carry the token that the command printed, in the
address or in the cookie that the first good address sets. Answers forbid frames, and scripts from elsewhere.
"""

import hmac
import secrets
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "token"
"""Name of the token in the address."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
POLICY_VIOLATION = 1008
"""Code with which a socket is closed that may not be opened (RFC 6455, 7.4.1)."""
CONTENT = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self' {sockets}; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""Content security policy. Solara's page compiles its templates in the browser, which takes inline scripts and eval."""


def new_token() -> str:
    """Return a token that cannot be guessed."""
    return secrets.token_urlsafe(24)


class Guard:
    """An ASGI application that stands before another and lets through only requests that may use the page."""

    def __init__(self, app: Any, *, hosts: Iterable[str], port: int, token: str) -> None:
        """Stand before `app`.

        hosts: names or addresses, without port, under which the page may be asked for. port: that it listens on. token:
        without which nothing is answered.
        """
        self.app, self.port, self.token = app, port, token
        self.names = {f"{host}:{port}".lower() for host in hosts}
        self.cookie = f"safepassage-{port}"
        sockets = " ".join(f"ws://{name}" for name in sorted(self.names) if "[" not in name)  # no IPv6 in a policy
        self.headers = [
            (b"content-security-policy", CONTENT.format(sockets=sockets).encode()),
            (b"x-frame-options", b"DENY"),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        """Answer a request or pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refused = self.refusal(scope)
        if refused and scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refused[:120]})
        elif refused:
            await self._refuse(send, refused)
        else:
            await self.app(scope, receive, self._with_headers(scope, send))

    def refusal(self, scope: dict) -> str:
        """Return why a request may not be answered; empty if it may."""
        headers: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value.decode("latin-1"))
        host = headers.get(b"host", [])
        if len(host) != 1 or host[0].lower() not in self.names:
            return "The page is not served under this name. Open the address that `safepassage explore` printed."
        if any(urlsplit(one).netloc.lower() not in self.names for one in headers.get(b"origin", [])):
            return "The request came from another web page. That is not allowed."
        if not self._has_token(scope, headers):
            return "The token is missing or wrong. Open the whole address that `safepassage explore` printed."
        return ""

    def _has_token(self, scope: dict, headers: dict[bytes, list[str]]) -> bool:
        given = self._in_address(scope)
        for line in headers.get(b"cookie", []):
            try:
                morsel = SimpleCookie(line).get(self.cookie)
            except CookieError:
                continue
            given += [morsel.value] if morsel is not None else []
        return any(hmac.compare_digest(one.encode(), self.token.encode()) for one in given)

    @staticmethod
    def _in_address(scope: dict) -> list[str]:
        return parse_qs(scope.get("query_string", b"").decode("latin-1")).get(TOKEN, [])

    def _with_headers(self, scope: dict, send: Any) -> Any:
        own = list(self.headers)
        if scope["type"] == "http" and self._in_address(scope):
            cookie = f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"
            own.append((b"set-cookie", cookie.encode()))

        async def sending(message: dict) -> None:
            if message["type"] == "http.response.start":
                message = message | {"headers": [*message.get("headers", []), *own]}
            await send(message)

        return sending

    async def _refuse(self, send: Any, why: str) -> None:
        headers = [(b"content-type", b"text/plain; charset=utf-8"), *self.headers]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": why.encode() + b"\n"})


def names_of(host: str) -> tuple[str, ...]:
    """Return the names under which a page that listens on an address may be asked for.

    host: the address listened on. Loopback has several; an address that stands for all of a machine's has those of this
    machine.
    """
    if host in ("0.0.0.0", "::", ""):
        import socket

        own = socket.gethostname()
        found = {info[4][0] for info in _addresses(own)}
        return (*LOOPBACK, own, *sorted(_bracketed(str(one)) for one in found))
    return LOOPBACK if host in ("127.0.0.1", "localhost", "::1") else (_bracketed(host),)


def _addresses(name: str) -> list:
    import socket

    try:
        return socket.getaddrinfo(name, None)
    except OSError:
        return []


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
