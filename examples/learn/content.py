"""Reads the content folder: articles in Markdown with a TOML head, everything else in TOML."""

import tomllib
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "content"
FENCE = "+++\n"

Record = dict[str, Any]


@dataclass(frozen=True)
class Content:
    """The records of every file, as written; references are slugs."""

    authors: list[Record]
    skills: list[Record]
    topics: list[Record]
    programs: list[Record]
    qualifications: list[Record]
    paths: list[Record]
    terms: list[Record]
    articles: list[Record]


def read(folder: Path = FOLDER) -> Content:
    """Read everything. Raises ValueError naming the file that is not as it should be."""
    return Content(
        authors=_table(folder / "authors.toml", "author"),
        skills=_table(folder / "skills.toml", "skill"),
        topics=_table(folder / "topics.toml", "topic"),
        programs=_table(folder / "programs.toml", "program"),
        qualifications=_table(folder / "qualifications.toml", "qualification"),
        paths=_table(folder / "paths.toml", "path"),
        terms=_table(folder / "glossary.toml", "term"),
        articles=[_article(file) for file in sorted((folder / "articles").glob("*.md"))],
    )


def digest(folder: Path = FOLDER) -> str:
    """A fingerprint of all files and their names."""
    state = blake2b(digest_size=16)
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            text = file.read_bytes()
            state.update(f"{file.relative_to(folder).as_posix()} {len(text)}\n".encode())
            state.update(text)
    return state.hexdigest()


def _table(file: Path, name: str) -> list[Record]:
    try:
        records: list[Record] = tomllib.loads(file.read_text("utf-8"))[name]
    except (tomllib.TOMLDecodeError, KeyError) as problem:
        raise ValueError(f"{file}: {problem}") from problem
    return records


def _article(file: Path) -> Record:
    parts = file.read_text("utf-8").split(FENCE, 2)
    if len(parts) < 3 or parts[0]:
        raise ValueError(f"{file}: an article begins with +++, its head in TOML, and +++")
    return {**tomllib.loads(parts[1]), "body": parts[2].strip()}
