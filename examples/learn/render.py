"""How the pages look: the site, the names of areas and sections, and the filters of its templates."""

from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from examples.site import Site

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


def _date(instant: datetime) -> str:
    return f"{instant.day} {instant:%B %Y}"


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def _years(years: str) -> str:
    return f"{years.replace('-', '–')} years"


_site = Site(
    Path(__file__).parent,
    SITE,
    {
        "area": AREAS.__getitem__,
        "date": _date,
        "host": _host,
        "isodate": lambda instant: instant.date().isoformat(),
        "lower_first": lambda text: text[:1].lower() + text[1:],
        "sum_edges": lambda nodes: sum(len(node.edges) for node in nodes),
        "sum_hours": lambda topics: sum(topic.hours for topic in topics),
        "years": _years,
    },
    address="LEARN_ORIGIN",
)
page, answer, static, origin = _site.page, _site.answer, _site.static, _site.origin
