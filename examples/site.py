"""What the sites of the examples share: how a template becomes an answer, and the headers that every page carries."""

import gzip
import os
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from minijinja import Environment

HEADERS = {
    "Cache-Control": "public, max-age=60, stale-while-revalidate=600",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
KINDS = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


class Site:
    """Pages made of templates in a folder, which also has the static files.

    `address` names the variable that says where the site lives, if a proxy stands before it.
    """

    def __init__(self, folder: Path, name: str, filters: Mapping[str, Callable[..., Any]], address: str) -> None:
        self.name = name
        self._address = address
        self._files = {file.name: file.read_bytes() for file in (folder / "static").iterdir() if file.suffix in KINDS}
        self._environment = Environment(
            loader=lambda template: _text(folder / "templates" / template),
            auto_escape_callback=lambda _name: "html",  # every template, whatever it is called
            undefined_behavior="strict",
            debug=False,
            trim_blocks=True,
            lstrip_blocks=True,
            filters={**filters, "asset": self._asset},
        )

    def page(
        self, request: Request, template: str, title: str, description: str, status: int = 200, **context: Any
    ) -> Response:
        """Render a page. One with a query of its own (a search, a pace) has no canonical address but the bare one."""
        html = self._environment.render_template(
            template,
            **context,
            site=self.name,
            title=title,
            description=description,
            path=request.url.path,
            canonical=self.origin(request) + request.url.path if status == 200 else None,
        )
        return self.answer(request, html, "text/html; charset=utf-8", status)

    def answer(self, request: Request, body: str | bytes, kind: str, status: int = 200, **headers: str) -> Response:
        """A body with its ETag, compressed where that is welcome; 304 without it where the reader has it already."""
        content = body.encode() if isinstance(body, str) else body
        # Weak: compressed or not, it is the same page.
        tag = f'W/"{blake2b(content, digest_size=12).hexdigest()}"'
        sent = {**HEADERS, "ETag": tag, **{name.replace("_", "-"): value for name, value in headers.items()}}
        known = {each.strip() for each in request.headers.get("if-none-match", "").split(",")}
        if status == 200 and (tag in known or "*" in known):
            return Response(status_code=304, headers=sent)
        if "gzip" in request.headers.get("accept-encoding", "") and len(content) > 1000:
            content = gzip.compress(content, 6, mtime=0)
            sent["Content-Encoding"] = "gzip"
        return Response(content, status, sent, kind)

    def static(self, request: Request, name: str) -> Response | None:
        """One of the static files, for good where the address names its fingerprint."""
        if name not in self._files:
            return None
        named = request.query_params.get("v") == self._print(name)
        keep = "public, max-age=31536000, immutable" if named else "public, max-age=3600"
        return self.answer(request, self._files[name], KINDS[Path(name).suffix], Cache_Control=keep)

    def origin(self, request: Request) -> str:
        """Where the site is known to live, else as it was addressed."""
        return os.environ.get(self._address, "").rstrip("/") or str(request.base_url).rstrip("/")

    def _asset(self, name: str) -> str:
        return f"/static/{name}?v={self._print(name)}"

    def _print(self, name: str) -> str:
        return blake2b(self._files[name], digest_size=6).hexdigest()


def _text(file: Path) -> str | None:
    return file.read_text("utf-8") if file.is_file() else None
