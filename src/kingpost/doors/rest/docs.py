"""The page at `/api/docs`: the OpenAPI document as HTML, made on the server, without scripts or anything from afar."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import Any, Final

from kingpost.doors.rest.schemas import Json

METHODS: Final = ("get", "post", "put", "patch", "delete")
_FILTER: Final = re.compile(r"([^\[]+)(?:\[(\w+)\])?\Z")
_CODE: Final = re.compile(r"`([^`]+)`")

_LANGUAGE: Final = (
    ("?title=Hello", "equal; `title[ne]=x` not equal"),
    ("?hours[ge]=3", "also `gt`, `le`, `lt`, on numbers, text, dates and times"),
    ("?level[in]=a,b", "one of several"),
    ("?title[contains]=sql", "also `startswith`, `endswith`; case counts. `q=` searches whatever the case"),
    ("?due[none]=true", "has no value"),
    ("?author.name=Ada", "through a relation; over a list: any of its rows"),
    ("?where=hours > 3 and not done", "an expression of the language: `and or not`, `== != < <= > >=`, `in`, "
     "`is None`, arithmetic, `lower startswith len any all sum`; percent-encoded"),
    ("?sort=-hours,title", "order, `-` descending; None comes lowest"),
    ("?include=author,comments.author", "relations filled in"),
    ("?fields=title,author.name", "only these"),
    ("?limit=20&after=…", "pages: `after` is the `next` of the page before. `count=exact` adds `total`"),
    ("?group=author.name&count=*&sum=hours", "a summary; also `min`, `max`, `avg`"),
)  # fmt: skip


def render(document: Mapping[str, Any], address: str) -> str:
    """The page. `address`: where the document itself is found."""
    return _Page(document, address).html()


class _Page:
    def __init__(self, document: Mapping[str, Any], address: str) -> None:
        self.document = document
        self.components: Json = document.get("components", {})
        self.address = address
        self.groups = self._grouped()

    def html(self) -> str:
        info = self.document["info"]
        title = escape(f"{info['title']} {info['version']}")
        style = files("kingpost.doors.rest").joinpath("docs.css").read_text("utf-8")
        links = "".join(f'<li><a href="#{_anchor(name)}">{escape(name)}</a></li>' for name in self.groups)
        sections = "".join(self._section(name, found) for name, found in self.groups.items())
        description = f"<p>{_words(info['description'])}</p>" if info.get("description") else ""
        return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header>
<p class="name">{escape(info["title"])} <span>{escape(info["version"])}</span></p>
<p><a href="{escape(self.address)}">OpenAPI 3.1</a></p>
</header>
<nav aria-label="Resources">
<ul><li><a href="#asking">How to ask</a></li>{links}<li><a href="#schemas">Schemas</a></li></ul>
</nav>
<main id="main">
<h1>{escape(info["title"])}</h1>
{description}
{self._asking()}
{sections}
<section id="schemas"><h2>Schemas</h2>
{"".join(self._schema(name, schema) for name, schema in self.components.get("schemas", {}).items())}</section>
</main>
</body>
</html>
"""

    def _grouped(self) -> dict[str, list[tuple[str, str, Json, list[Json]]]]:
        """Operations by tag: path, method, operation, parameters of the path."""
        found: dict[str, list[tuple[str, str, Json, list[Json]]]] = {
            t["name"]: [] for t in self.document.get("tags", ())
        }
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    tag = (item[method].get("tags") or ["Others"])[0]
                    found.setdefault(tag, []).append((path, method, item[method], item.get("parameters", [])))
        return found

    # Sections

    def _asking(self) -> str:
        rows = "".join(
            f"<tr><td><code>{escape(example)}</code></td><td>{_words(text)}</td></tr>" for example, text in _LANGUAGE
        )
        return f"""<section id="asking"><h2>How to ask</h2>
<p>Lists and rows answer in the form that <code>Accept</code> asks for: <code>application/json</code>,
<code>text/csv</code> or <code>application/x-ndjson</code>. Errors are problems by RFC 9457,
explained <a href="/problems/">one by one</a>. Rows carry an <code>ETag</code>; send it in <code>If-Match</code>
to change only what you have read. A request with an <code>Idempotency-Key</code> may be sent again without harm.</p>
{_table("The query language", ("Query", "Meaning"), rows)}</section>"""

    def _section(self, name: str, operations: list[tuple[str, str, Json, list[Json]]]) -> str:
        told: dict[str, str] = {tag["name"]: tag.get("description", "") for tag in self.document.get("tags", ())}
        words = f"<p>{_words(told[name])}</p>" if told.get(name) else ""
        body = "".join(self._operation(*operation) for operation in operations)
        return f'<section id="{_anchor(name)}"><h2>{escape(name)}</h2>{words}{body}</section>\n'

    def _operation(self, path: str, method: str, operation: Json, inherited: list[Json]) -> str:
        parameters = [self._resolved(each) for each in (*inherited, *operation.get("parameters", ()))]
        parts = [f"<p>{_words(operation['description'])}</p>"] if operation.get("description") else []
        filters = [each for each in parameters if each["in"] == "query" and self._is_filter(each)]
        others = [each for each in parameters if each not in filters]
        if others:
            rows = "".join(
                f"<tr><td><code>{escape(each['name'])}</code></td><td>{each['in']}</td>"
                f"<td>{self._type(each['schema'])}</td><td>{_words(each.get('description', ''))}</td></tr>"
                for each in others
            )
            parts.append(_table("Parameters", ("Name", "In", "Type", "Meaning"), rows))
        if filters:
            parts.append(_table("Filters", ("Field", "Type", "Operators"), self._filters(filters)))
        parts += self._body(operation)
        rows = "".join(
            f"<tr><td><code>{status}</code></td><td>{self._answer(answer)}</td></tr>"
            for status, answer in operation["responses"].items()
        )
        parts.append(_table("Answers", ("Status", "Meaning"), rows))
        parts.append(f"<h3>Example</h3><pre><code>{escape(self._curl(path, method, operation))}</code></pre>")
        return (
            f'<details id="{_anchor(operation["operationId"])}"><summary><span class="method {method}">{method.upper()}'
            f"</span> <code>{_breakable(path)}</code> <span>{escape(operation.get('summary', ''))}</span></summary>"
            f"<div>{''.join(parts)}</div></details>\n"
        )

    @staticmethod
    def _is_filter(parameter: Json) -> bool:
        words: str = parameter.get("description", "")
        return words.startswith(("Rows whose ", f"{parameter['name'].partition('[')[0]} "))

    def _filters(self, parameters: list[Json]) -> str:
        fields: dict[str, tuple[str, list[str]]] = {}
        for parameter in parameters:
            match = _FILTER.match(parameter["name"])
            if match is not None:
                fields.setdefault(match[1], (self._type(parameter["schema"]), []))[1].append(match[2] or "=")
        return "".join(
            f"<tr><td><code>{escape(name)}</code></td><td>{kind}</td>"
            f"<td>{' '.join(f'<code>{escape(each)}</code>' for each in names)}</td></tr>"
            for name, (kind, names) in fields.items()
        )

    def _body(self, operation: Json) -> Iterator[str]:
        body = operation.get("requestBody")
        if body is None:
            return
        content = body["content"]
        types = " or ".join(f"<code>{escape(media)}</code>" for media in content)
        yield f"<h3>Body</h3><p>{types}: {self._type(next(iter(content.values())).get('schema', {}))}</p>"

    def _answer(self, answer: Json) -> str:
        found = self._resolved(answer)
        schemas = [self._type(each.get("schema", {})) for each in found.get("content", {}).values()]
        shown = f" ({schemas[0]})" if schemas and schemas[0] != "anything" else ""
        return f"{_words(found.get('description', ''))}{shown}"

    def _schema(self, name: str, schema: Json) -> str:
        properties = schema.get("properties", {})
        required = set(schema.get("required", ()))
        rows = "".join(
            f"<tr><td><code>{escape(member)}</code>{' <b>required</b>' if member in required else ''}</td>"
            f"<td>{self._type(each)}</td><td>{_words(each.get('description', ''))}</td></tr>"
            for member, each in properties.items()
        )
        words = f"<p>{_words(schema['description'])}</p>" if schema.get("description") else ""
        table = (
            _table(f"Members of {name}", ("Member", "Type", "Meaning"), rows)
            if rows
            else f"<p>{self._type(schema)}</p>"
        )
        return (
            f'<details id="schema-{_anchor(name)}"><summary><code>{escape(name)}</code></summary>'
            f"<div>{words}{table}</div></details>\n"
        )

    # Parts

    def _resolved(self, value: Json) -> Json:
        pointer = value.get("$ref")
        if pointer is None:
            return value
        section, name = pointer.removeprefix("#/components/").split("/", 1)
        found: Json = self.components[section][name]
        return found

    def _type(self, schema: Json) -> str:
        """A schema in a few words, with a link to what it refers to."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return f'<a href="#schema-{_anchor(name)}">{escape(name)}</a>'
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return " or ".join(dict.fromkeys(self._type(each) for each in schema[word]))
        if "const" in schema:
            return f"<code>{escape(json.dumps(schema['const']))}</code>"
        if "enum" in schema:
            shown = [f"<code>{escape(str(each))}</code>" for each in schema["enum"][:12]]
            return ", ".join(shown) + (" …" if len(schema["enum"]) > 12 else "")
        kinds = _kinds(schema) or ["anything"]
        if kinds == ["array"]:
            return f"list of {self._type(schema.get('items', {}))}"
        words = " or ".join(kinds)
        form = schema.get("format") or schema.get("contentEncoding")
        bounds = [
            f"{sign} {schema[name]}"
            for name, sign in (("minimum", "≥"), ("maximum", "≤"), ("minLength", "length ≥"), ("maxLength", "length ≤"))
            if name in schema
        ]
        return escape(", ".join([f"{words} ({form})" if form else words, *bounds]))

    def _curl(self, path: str, method: str, operation: Json) -> str:
        url = re.sub(r"\{([^}]+)\}", r"<\1>", path)
        lines = [f"curl '{url}'" if method == "get" else f"curl -X {method.upper()} '{url}'"]
        content = operation.get("requestBody", {}).get("content", {})
        if content:
            media, first = next(iter(content.items()))
            lines.append(f"  -H 'Content-Type: {media}'")
            lines.append(f"  -d '{json.dumps(self._example(first.get('schema', {})), ensure_ascii=False)}'")
        return " \\\n".join(lines)

    def _example(self, schema: Json, depth: int = 0) -> Any:
        """A small value that the schema admits: what is required, and one member more."""
        schema = self._resolved(schema)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._example(schema[word][0], depth)
        for word in ("const", "default"):
            if word in schema:
                return schema[word]
        if schema.get("examples") or schema.get("enum"):
            return (schema.get("examples") or schema["enum"])[0]
        kind = next(iter(_kinds(schema)), "")
        if kind == "object" and depth < 3:
            properties = schema.get("properties", {})
            names = schema.get("required") or list(properties)[:1]
            return {name: self._example(properties[name], depth + 1) for name in names if name in properties}
        if kind == "array":
            return []
        samples = {"uuid": "01936f2e-8a4b-7c1d-9e2f-3a4b5c6d7e8f", "date-time": "2026-01-31T12:00:00Z"}
        texts = {"date": "2026-01-31", "decimal": "12.50", **samples}
        plain = {"string": texts.get(schema.get("format", ""), "text"), "integer": 1, "number": 1.5, "boolean": True}
        return plain.get(kind)


def _table(caption: str, heads: tuple[str, ...], rows: str) -> str:
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    return (
        f'<div class="wide" role="group" aria-label="{escape(caption)}" tabindex="0"><table><caption>{escape(caption)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _kinds(schema: Json) -> list[str]:
    """The types that a schema admits."""
    kind: str | list[str] = schema.get("type", [])
    return [kind] if isinstance(kind, str) else kind


def _words(text: str) -> str:
    """Text with `code` in it."""
    return _CODE.sub(r"<code>\1</code>", escape(text, quote=False)).replace("\n\n", "<br><br>")


def _breakable(path: str) -> str:
    """A path that may go on in the next line of a narrow screen."""
    return escape(path).replace("/", "<wbr>/")


def _anchor(name: str) -> str:
    return re.sub(r"[^\w-]+", "-", name).lower()
