"""From the name of an application (`module:attribute`) to the application."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kingpost.base.problems import DeclarationError
from kingpost.operate.failure import Failure, raised_place, syntax_place

if TYPE_CHECKING:
    from kingpost.app import App

DEFAULTS = ("app", "main")
ATTRIBUTE = "app"


@dataclass(frozen=True, slots=True)
class Target:
    """Where an application is: the module is imported with `folder` in front of the path."""

    module: str
    attribute: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}"


def locate(given: str | None, folder: Path | None = None) -> Target:
    """What is meant by a name, or by none; nothing is imported. Raises `Failure` (KC001, KC004)."""
    folder = folder or Path.cwd()
    if not given:
        for module in DEFAULTS:
            if _is_module(folder, module):
                return Target(module, ATTRIBUTE, folder)
        raise Failure("KC004", f"there is no app.py or main.py in {folder}", _elsewhere(folder))
    module, _, attribute = given.partition(":")
    if module.endswith(".py"):  # a path, as shells complete it
        module = module.removesuffix(".py").removeprefix("./").replace("/", ".")
    if not module or not all(part.isidentifier() for part in module.split(".")):
        remedy = f"module:attribute, such as {_guess(folder) or 'app:app'}"
        raise Failure("KC001", f"{given!r} does not name an application", remedy)
    return Target(module, attribute or ATTRIBUTE, folder)


def load(target: Target) -> App:
    """Import the application. Raises `DeclarationError`, or `Failure` with what is wrong with name or module."""
    if str(target.folder) not in sys.path:
        sys.path.insert(0, str(target.folder))
    found: Any = _imported(target)
    at = target.module
    for name in target.attribute.split("."):
        if not hasattr(found, name):
            raise _no_attribute(target, found, at, name)
        found, at = getattr(found, name), f"{at}.{name}"
    from kingpost.app import App

    if not isinstance(found, App):
        kind = type(found).__name__
        remedy = _of_kind(target)
        if kind == "FastAPI":
            remedy = 'App("name", resources=[...]), and app.attach(...) to keep the FastAPI application as it is'
        raise Failure("KC003", f"{target} is a {kind}, not a kingpost.App", remedy)
    return found


def _imported(target: Target) -> Any:
    try:
        return import_module(target.module)
    except DeclarationError:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and f"{target.module}.".startswith(f"{error.name}."):
            raise _no_module(target) from None
        place = raised_place(error.__traceback__, target.folder)
        remedy = f"pip install {(error.name or '').partition('.')[0]}, or mend the name"
        raise Failure(
            "KC005", f"{target.module} needs the module {error.name!r}, which is not there", remedy, place
        ) from error
    except SyntaxError as error:
        raise Failure("KC005", f"{target.module} is not Python: {error.msg}", "", syntax_place(error)) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may raise SystemExit as well
        place = raised_place(error.__traceback__, target.folder)
        message = f"{target.module} can't be imported: {type(error).__name__}: {error}"
        raise Failure("KC005", message, "KINGPOST_TRACEBACK=1 shows the whole way there", place) from error


def _no_module(target: Target) -> Failure:
    known = list(_modules(target.folder, target.module.count(".") + 1))
    near = get_close_matches(target.module, known, n=1)
    what = f"there is no module {target.module!r} in {target.folder}"
    if near:
        return Failure("KC001", f"{what}; did you mean {near[0]!r}?", f"{near[0]}:{target.attribute}")
    guess = _guess(target.folder)
    return Failure("KC001", what, guess or "go to the folder that holds it, or name it as Python would import it")


def _no_attribute(target: Target, module: Any, at: str, name: str) -> Failure:
    apps = _apps(module)
    near = get_close_matches(name, apps or [one for one in dir(module) if not one.startswith("_")], n=1)
    chosen = near[0] if near else apps[0] if len(apps) == 1 else None
    if chosen is None:
        remedy = f'{name} = App("{name}", resources=[...]) in it, or one of: {", ".join(apps)}' if apps else ""
        return Failure("KC002", f"{at} has no {name!r}", remedy or f'{name} = App("name", resources=[...]) in {at}')
    return Failure("KC002", f"{at} has no {name!r}; did you mean {chosen!r}?", f"{target.module}:{chosen}")


def _of_kind(target: Target) -> str:
    apps = _apps(sys.modules[target.module])
    return f"{target.module}:{apps[0]}" if apps else 'app = App("name", resources=[...])'


def _apps(module: Any) -> list[str]:
    from kingpost.app import App

    return [name for name in dir(module) if isinstance(getattr(module, name), App)]


def _is_module(folder: Path, module: str) -> bool:
    return (folder / f"{module}.py").is_file() or (folder / module / "__init__.py").is_file()


def _modules(folder: Path, depth: int) -> Iterator[str]:
    """Names that could be imported from a folder, at most `depth` parts long."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".py" and path.stem.isidentifier():
            yield path.stem
        elif path.is_dir() and path.name.isidentifier() and depth > 1:
            yield from (f"{path.name}.{below}" for below in _modules(path, depth - 1))


def _guess(folder: Path) -> str:
    """An application that may have been meant: a file that speaks of `App(`."""
    for path in (*sorted(folder.glob("*.py")), *sorted(folder.glob("*/app.py")), *sorted(folder.glob("*/*/app.py"))):
        parts = path.relative_to(folder).with_suffix("").parts
        if all(part.isidentifier() for part in parts) and "App(" in path.read_text(encoding="utf-8", errors="ignore"):
            return f"{'.'.join(parts)}:{ATTRIBUTE}"
    return ""


def _elsewhere(folder: Path) -> str:
    guess = _guess(folder)
    return f"name it: kingpost serve {guess}" if guess else "kingpost new blog makes a project that serves at once"
