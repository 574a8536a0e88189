"""Every id that the `kingpost` command reports: what stands in its way (KC0..) and what it warns of (KC1..)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Code:
    """`title` in a few words, `text` why it matters and what to do."""

    title: str
    text: str


CODES: Final[dict[str, Code]] = {
    "KC001": Code(
        "no such module",
        "An application is named module:attribute, as Python would import it from the current folder.",
    ),
    "KC002": Code("no such attribute", "The module was found, but has no application of that name."),
    "KC003": Code("not an application", "The name leads to something that is not a kingpost.App."),
    "KC004": Code(
        "no application found",
        "Without a name the command looks for app in app.py, then in main.py, of the current folder. KINGPOST_APP "
        "names another one.",
    ),
    "KC005": Code("the module can't be imported", "Its own code raised an error before the application was there."),
    "KC006": Code("the port is taken", "Another process listens there."),
    "KC007": Code("the address can't be used", "This machine has no such address, or the port needs more rights."),
    "KC008": Code("tables are missing", "The store answers, but has not been given the tables of the declaration yet."),
    "KC009": Code("the store can't be reached", "Nothing answers at its address, or it refuses to let us in."),
    "KC010": Code("the name can't be used", "A project's name is of letters, digits, - and _, a letter first."),
    "KC011": Code("the folder is not empty", "Nothing that exists is overwritten."),
    "KC012": Code("no such name in the declaration", "Names are written as in Python: Article, Article.title."),
    "KC013": Code("no such row", "There is no row with this key, whoever asks."),
    "KC014": Code("the question is not understood", 'Like "Article where hours > 3 include topics sort -hours".'),
    "KC015": Code("options that exclude each other", "Leave one of them out."),
    "KC016": Code("not in this store", "It has no words for a part of what was asked; the message names the part."),
    "KC017": Code("an option that can't be understood", "The message says what it takes."),
    "KC018": Code(
        "nobody is named",
        "Rows are written in somebody's name: by the rules, as the actor that --as names, or as the system, for a "
        "reason that --system gives and that is logged.",
    ),
    "KC019": Code(
        "the columns do not fit",
        "A column goes to the member of its name, or whose column in the store is called so. --map names another, or "
        "leaves a column out.",
    ),
    "KC020": Code("the file can't be read", "It is not there, in another encoding, or broken from some place on."),
    "KC021": Code("no such table", "A name or pattern leads to no table of the database that is inspected."),
    "KC022": Code("the file is there", "Nothing that exists is overwritten; --force does."),
    "KC030": Code(
        "the store's file is damaged",
        "It can't be read as a database. See with PRAGMA integrity_check how much of it, and restore the last backup.",
    ),
    "KC101": Code(
        "a unique value tells of hidden rows",
        "Whoever may write can find out by a conflict whether a row that he may not read has the value. Make the value "
        "unique within the tenant, let no door write it, or acknowledge it where that is meant.",
    ),
    "KC102": Code(
        "nobody may read it",
        "Without a rule for read every request is refused. Where that is meant, read=nobody says so.",
    ),
    "KC103": Code(
        "text without a bound",
        "Whoever may write can store text as long as a request may be. Markdown is left out: it is long by nature.",
    ),
    "KC104": Code(
        "nobody may call it",
        "Without a rule for the action every call is refused. Where that is meant, nobody says so.",
    ),
    "KC105": Code("the store is behind the declaration", "Something is missing that can be added without loss."),
    "KC106": Code(
        "the store does not fit the declaration",
        "What is there and what is declared differ in a way that can't be mended without loss or a decision.",
    ),
    "KC107": Code(
        "acknowledged, and not there",
        "The warning was mended, or its id is another. What is acknowledged without need hides something later.",
    ),
    "KC108": Code(
        "references lead to no row",
        "No database watches over a relation to another store, or one that is declared as unconstrained. Such a "
        "reference is read as if it were None.",
    ),
}  # fmt: skip
"""By id. A published id keeps its meaning for ever."""
