"""Names derived from names: plurals for paths, tables, columns; and the name that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

_IRREGULAR = {
    "analysis": "analyses", "basis": "bases", "child": "children", "crisis": "crises", "criterion": "criteria",
    "datum": "data", "foot": "feet", "goose": "geese", "index": "indexes", "man": "men", "matrix": "matrices",
    "mouse": "mice", "ox": "oxen", "person": "people", "phenomenon": "phenomena", "quiz": "quizzes",
    "thesis": "theses", "tooth": "teeth", "woman": "women", "half": "halves", "knife": "knives", "leaf": "leaves",
    "life": "lives", "loaf": "loaves", "shelf": "shelves", "thief": "thieves", "wife": "wives", "wolf": "wolves",
    "hero": "heroes", "potato": "potatoes", "tomato": "tomatoes", "echo": "echoes", "veto": "vetoes",
}  # fmt: skip
_IES = frozenset({"calories", "cookies", "dies", "lies", "movies", "pies", "rookies", "ties", "zombies"})
"""What has its y not from the plural."""
_LONGEST = 100
"""Characters of a name that somebody may have meant to write; comparing longer ones only costs time."""
_SAME = frozenset({
    "aircraft", "data", "equipment", "feedback", "fish", "information", "knowledge", "media", "metadata", "money",
    "news", "series", "sheep", "software", "species", "staff", "weather",
})  # fmt: skip


def snake(name: str) -> str:
    """`OrderLine` becomes `order_line`, `HTTPServer` `http_server`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def plural(word: str) -> str:
    """The English plural of the last part of a snake-case word, by rule and a list of common exceptions."""
    head, separator, last = word.rpartition("_")
    return f"{head}{separator}{_plural(last)}"


def _plural(word: str) -> str:
    if word in _SAME:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if re.search(r"(s|x|z|ch|sh)$", word):
        return word + "es"
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + "s"


def singular(word: str) -> str:
    """The word whose plural this is, as far as rules tell; the word itself where it is no plural."""
    if word in _SAME or re.search(r"([su]s|is|^.)$", word) or not word.endswith(("s", *_IRREGULAR.values())):
        return word
    for one, many in _IRREGULAR.items():
        if word == many:
            return one
    if word.endswith("ies") and word not in _IES:
        return word[:-3] + "y"
    return word[:-2] if re.search(r"(x|tz|zz|ch|sh|ss|[^ao]us)es$", word) else word[:-1]


def path_name(name: str) -> str:
    """The path of a resource: `OrderLine` is served at `order-lines`."""
    return plural(snake(name)).replace("_", "-")


def table_name(name: str) -> str:
    """The table of a resource: `OrderLine` is kept in `order_line`."""
    return snake(name)


def words(name: str) -> str:
    """A name as people read it: `published_at` is "Published at"."""
    text = snake(name).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def closest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known name most like this one; "" if none is."""
    return next(iter(get_close_matches(name, known, n=1, cutoff=cutoff)), "") if len(name) <= _LONGEST else ""


def meant(name: str, known: Iterable[str]) -> str:
    """The closest known name, as the end of a sentence; else the names there are; "" if there are none."""
    names = sorted(set(known))
    close = closest(name.lower(), {each.lower(): each for each in names})
    if close:
        found = next(each for each in names if each.lower() == close)
        return f"did you mean {found!r}?"
    return f"there are: {', '.join(names)}" if names else ""
