"""Actions with their inputs, and validators."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from types import MethodType
from typing import Any, Final, Optional, Self

from kingpost.model.annotations import NotUnderstood, understand
from kingpost.model.calls import is_actor
from kingpost.model.declare import ActionSpec, ValidatorSpec, actor
from kingpost.model.draft import Draft, Drafts, Method
from kingpost.model.marks import ACTION, VALIDATOR
from kingpost.model.model import Acting, ActionModel, Parameter, Validator
from kingpost.model.names import meant, words

COLLECTION: Final = frozenset({"create"})
ROW: Final = frozenset({"update", "delete"})
CHECKS: Final = ("before", "both")
POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
LATER: Final = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
"""What calling only begins."""
RESERVED: Final = frozenset({"read", "write"})


def actions(drafts: Drafts, draft: Draft, who: str | None) -> dict[str, ActionModel]:
    """The actions of a draft; one named create, update or delete replaces what is built in. `who`: acts, a resource."""
    return {name: _action(drafts, draft, method, who) for name, method in draft.actions.items()}


def _action(drafts: Drafts, draft: Draft, method: Method, who: str | None) -> ActionModel:
    name, what = method.name, f"{draft.name}.{method.name}"
    spec: ActionSpec = getattr(method.function, ACTION)
    unbound = inspect.getattr_static(draft.cls, name)
    if spec.collection and not isinstance(unbound, (classmethod, staticmethod)):
        drafts.refuse(
            "KM702", f"{what} is about all rows, but a method of one", "@classmethod below @action", draft, name
        )
    if spec.check not in CHECKS:
        message = f"{what}: check={spec.check!r} is none of the times when its rule is asked"
        drafts.refuse("KM706", message, 'check="before", or check="both" for the row after it too', draft, name)
    if name in RESERVED or (name in COLLECTION and not method.collection) or (name in ROW and method.collection):
        one = "a method of the row" if name in ROW else "a class method" if name in COLLECTION else "another name"
        drafts.refuse("KM702", f"{what} can't replace {name} in this form", one, draft, name)
    if name in draft.meanings or name in draft.shape.computed:
        drafts.refuse("KM703", f"{what} is also declared as a field or relation", "another name", draft, name)
    taken = list(inspect.signature(method.function).parameters.values())
    if not isinstance(unbound, staticmethod):
        first = "cls" if isinstance(unbound, classmethod) else "self"
        if not taken or taken[0].kind not in POSITIONAL or is_actor(taken[0]):
            message = f"{what} does not take {first}, which it is called with"
            drafts.refuse("KM701", message, f"def {name}({first}, ...)", draft, name)
            taken = [inspect.Parameter(first, inspect.Parameter.POSITIONAL_ONLY), *taken]
        taken = taken[1:]
    if (name in COLLECTION and method.collection) or (name in ROW and not method.collection):
        _replacing(drafts, draft, method, [one for one in taken if not is_actor(one)])
    return ActionModel(
        name=name,
        function=MethodType(method.function, draft.cls) if isinstance(unbound, classmethod) else method.function,
        on="collection" if method.collection else "row",
        parameters=tuple(_parameters(drafts, draft, method, [one for one in taken if not is_actor(one)])),
        returns=_returns(drafts, draft, method),
        check=spec.check,
        title=spec.title or words(name),
        help=spec.help or inspect.getdoc(method.function) or "",
        me=_acting(drafts, draft, method, list(filter(is_actor, taken)), who),
    )


def _replacing(drafts: Drafts, draft: Draft, method: Method, inputs: Sequence[inspect.Parameter]) -> None:
    """Refuse what the engine could not call in place of a write: it has an object, and no inputs besides."""
    name, what, cls = method.name, f"{draft.name}.{method.name}", draft.name

    def refuse(message: str, remedy: str) -> None:
        drafts.refuse("KM707", f"{what} {message}", remedy, draft, name)

    if name not in COLLECTION:
        if inputs:
            named = ", ".join(one.name for one in inputs)
            refuse(f"takes the place of {name}, which gives it no {named}", f"def {name}(self) -> None:")
        return
    remedy = f'def {name}(cls, new: "{cls}") -> "{cls}":'
    if len(inputs) != 1 or inputs[0].kind not in POSITIONAL:
        refuse(f"takes the place of create, which gives it the new {cls} and nothing else", remedy)
        return
    stated = inputs[0].annotation
    if stated not in (inspect.Parameter.empty, Self, "Self") and not _is_row(drafts, draft, stated):
        refuse(f"takes the place of create, and {inputs[0].name} is the new {cls}", remedy)
    returned = inspect.signature(method.function).return_annotation
    if returned not in (Self, "Self") and not _is_row(drafts, draft, returned):
        refuse(f"takes the place of create, and has to answer the {cls} that was made", remedy)


def _is_row(drafts: Drafts, draft: Draft, annotation: Any) -> bool:
    """Whether an annotation says a row of the draft. What can't be read has been refused elsewhere."""
    if annotation in (None, "None", inspect.Signature.empty):
        return False
    try:
        meaning = understand(annotation, draft.scope(draft.cls, drafts.classes))
    except NotUnderstood as error:
        return bool(error.unknown)
    return meaning.kind == "one" and meaning.target is draft.cls and not meaning.nullable


def _acting(
    drafts: Drafts, draft: Draft, method: Method, given: Sequence[inspect.Parameter], who: str | None
) -> Acting | None:
    """The parameter that is who acts. That it is a row of the actor resource has been seen by `find_actor`."""
    if not given:
        return None
    name, what = given[0].name, f"{draft.name}.{method.name}({given[0].name})"
    user = who or "User"

    def refuse(message: str) -> None:
        drafts.refuse("KM705", message, f"*, {name}: {user} = actor, or {user} | None", draft, method.name)

    if len(given) > 1:
        refuse(f"{what} is who acts, and so is {given[1].name}")
    if given[0].annotation is inspect.Parameter.empty:
        refuse(f"{what} is who acts, and has no annotation")
        return None
    if given[0].kind not in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY):
        refuse(f"{what} is who acts, and can't be given by its name")
    if not any(given[0].default is each for each in (inspect.Parameter.empty, actor, None)):
        refuse(f"{what} is who acts, and has a default that is somebody else")
    before = len(drafts.problems)
    meaning = drafts.read(draft, given[0].annotation, draft.cls, what, method.name)
    if meaning is None:
        del drafts.problems[before:]  # find_actor has said so
        return None
    if meaning.kind != "one" or meaning.target is None:
        refuse(f"{what} is who acts, a row or None")
    return Acting(f"{draft.name}.{method.name}", name, not meaning.nullable)


def _parameters(
    drafts: Drafts, draft: Draft, method: Method, given: Sequence[inspect.Parameter]
) -> Iterator[Parameter]:
    for parameter in given:
        what = f"{draft.name}.{method.name}({parameter.name})"
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            message = f"{what} has no name that an input could have"
            drafts.refuse("KM701", message, "parameters with names and annotations", draft, method.name)
            continue
        if parameter.annotation is parameter.empty:
            drafts.refuse("KM701", f"{what} has no annotation", f"{parameter.name}: str", draft, method.name)
            continue
        stated = draft.cls if parameter.annotation in (Self, "Self") else parameter.annotation
        meaning = drafts.read(draft, stated, draft.cls, what, method.name)
        if meaning is not None:
            required = parameter.default is parameter.empty
            annotation = Optional[meaning.python] if meaning.nullable else meaning.python  # noqa: UP045
            yield Parameter(parameter.name, annotation, required, None if required else parameter.default)


def _returns(drafts: Drafts, draft: Draft, method: Method) -> Any:
    """What the action answers: a type that the API can describe, else None."""
    annotation = inspect.signature(method.function).return_annotation
    if annotation in (inspect.Signature.empty, None, "None"):
        return None
    if annotation in (Self, "Self"):
        return draft.cls
    try:
        meaning = understand(annotation, draft.scope(draft.cls, drafts.classes))
    except NotUnderstood as error:
        if error.unknown:  # else it is a type of Python, which the API says nothing about
            drafts.read(draft, annotation, draft.cls, f"{draft.name}.{method.name}, what it answers", method.name)
        return None
    return Optional[meaning.python] if meaning.nullable else meaning.python  # noqa: UP045


def validators(drafts: Drafts, draft: Draft) -> tuple[Validator, ...]:
    """The validators of a draft."""
    found: list[Validator] = []
    for name, method in draft.methods(VALIDATOR).items():
        spec: ValidatorSpec = getattr(method.function, VALIDATOR)
        known = draft.members()
        for field in spec.fields:
            if field not in known and field not in draft.shape.members:
                message = f"{draft.name}.{name} is about {field!r}, which is no field; {meant(field, known)}"
                drafts.refuse("KM802", message, "", draft, name)
        taken = list(inspect.signature(method.function).parameters.values())
        remedy = f"def {name}(self) -> None:"
        if any(kind(method.function) for kind in LATER):
            message = f"{draft.name}.{name} is a validator, and async or a generator: nothing in it would run"
            drafts.refuse("KM804", message, remedy, draft, name)
        elif len(taken) != 1 or taken[0].kind not in POSITIONAL:
            named = ", ".join(str(one) for one in taken)
            message = f"{draft.name}.{name} takes ({named}), and a validator is called with the row alone"
            value = f" and in it self.{spec.fields[0]}" if spec.fields else ""
            drafts.refuse("KM804", message, f"{remedy}{value}", draft, name)
        found.append(Validator(name, method.function, spec.fields))
    return tuple(found)
