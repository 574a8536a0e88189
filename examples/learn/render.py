"""How a template becomes an answer: the environment, its filters, and the headers every page carries."""

import gzip
import os
from datetime import datetime
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request, Response
from minijinja import Environment

HERE = Path(__file__).parent
SITE = "learn"

AREAS = {
    "foundations": "Foundations",
    "languages": "Languages",
    "databases": "Databases",
    "apis": "APIs",
    "security": "Security",
    "frontend": "Front end",
    "operations": "Operations",
    "architecture": "Architecture",
    "leadership": "Leadership",
}
SECTIONS = {
    "craft": "The craft",
    "data": "Data",
    "interfaces": "Interfaces",
    "security": "Security",
    "operations": "Operations",
    "front": "Front end",
    "career": "Career",
}
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
ICONS = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


def answer(request: Request, body: str | bytes, kind: str, status: int = 200, **headers: str) -> Response:
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


def page(request: Request, template: str, title: str, description: str, status: int = 200, **context: Any) -> Response:
    """Render a page. Pages with a query of their own (a search, a pace) have no canonical address but the bare one."""
    html = _environment.render_template(
        template,
        **context,
        site=SITE,
        title=title,
        description=description,
        path=request.url.path,
        canonical=origin(request) + request.url.path if status == 200 else None,
    )
    return answer(request, html, "text/html; charset=utf-8", status)


def origin(request: Request) -> str:
    """Where the site is known to live: LEARN_ORIGIN behind a proxy, else as it was addressed."""
    return os.environ.get("LEARN_ORIGIN", "").rstrip("/") or str(request.base_url).rstrip("/")


def static(request: Request, name: str) -> Response | None:
    """One of the static files, for good where the address names its fingerprint."""
    files = _files()
    if name not in files:
        return None
    named = request.query_params.get("v") == _print(name)
    keep = "public, max-age=31536000, immutable" if named else "public, max-age=3600"
    return answer(request, files[name], ICONS[Path(name).suffix], Cache_Control=keep)


@cache
def _files() -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (HERE / "static").iterdir() if file.suffix in ICONS}


@cache
def _print(name: str) -> str:
    return blake2b(_files()[name], digest_size=6).hexdigest()


# ------------------------------------------------------------------------------------------------------------ filters


def _asset(name: str) -> str:
    return f"/static/{name}?v={_print(name)}"


def _date(instant: datetime) -> str:
    return f"{instant.day} {instant:%B %Y}"


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def _years(years: str) -> str:
    return f"{years.replace('-', '–')} years"


def _load(name: str) -> str | None:
    file = HERE / "templates" / name
    return file.read_text("utf-8") if file.is_file() else None


_environment = Environment(
    loader=_load,
    auto_escape_callback=lambda _name: "html",  # every template, whatever it is called
    undefined_behavior="strict",
    debug=False,
    trim_blocks=True,
    lstrip_blocks=True,
    filters={
        "area": AREAS.__getitem__,
        "asset": _asset,
        "date": _date,
        "host": _host,
        "isodate": lambda instant: instant.date().isoformat(),
        "lower_first": lambda text: text[:1].lower() + text[1:],
        "sum_edges": lambda nodes: sum(len(node.edges) for node in nodes),
        "sum_hours": lambda topics: sum(topic.hours for topic in topics),
        "years": _years,
    },
)
