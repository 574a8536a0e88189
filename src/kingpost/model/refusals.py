"""Every refusal of a declaration by its stable id. Refusals of what rules say in the language are in `language`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is refused, and why in one sentence. A `Problem` of the same id names the place and what to write."""

    title: str
    explanation: str


REFUSALS: Final[dict[str, Refusal]] = {
    "KM101": Refusal("not a resource", "An App takes classes that derive from Resource and are not abstract."),
    "KM102": Refusal("two resources of one name", "Resources are known by the names of their classes."),
    "KM103": Refusal(
        "inherits from a resource with rows of its own", "Rows belong to one class; share by abstract=True."
    ),
    "KM104": Refusal("unknown class keyword", "Class keywords are options of Resource, verbs, and names of actions."),
    "KM105": Refusal("class keyword of the wrong kind", "The value can't mean what the keyword is for."),
    "KM106": Refusal("unknown store", "Every store that a resource names needs an address in App(stores=...)."),
    "KM107": Refusal("two resources at one path", "A path leads to one resource."),
    "KM108": Refusal("two resources in one table", "Within a store, a table holds one resource."),
    "KM109": Refusal("two members in one column", "Within a table, a column holds one member."),
    "KM201": Refusal("annotation can't be read", "A name in it is not defined, so nobody knows what it means."),
    "KM202": Refusal(
        "type that can't be stored", "Stores hold scalars, embedded values, lists of them, and references."
    ),
    "KM203": Refusal("name not free", "Resource has a method of that name, which the field would hide."),
    "KM204": Refusal("name begins with an underscore", "Such names belong to Python and to Kingpost."),
    "KM205": Refusal("option that does not fit the type", "It would have no effect, so it is surely a mistake."),
    "KM206": Refusal("unknown option", "field() has no such option."),
    "KM207": Refusal("options that contradict each other", "Both can't be true."),
    "KM208": Refusal("mutable default", "All rows would share the one value."),
    "KM209": Refusal("default that is no such value", "Every new row would be refused."),
    "KM210": Refusal("Decimal without digits and places", "Stores hold exact numbers of a declared size only."),
    "KM211": Refusal("pattern that is no regular expression", "It could not be looked for."),
    "KM212": Refusal("bound of another type", "The bound can't be compared with the values of the field."),
    "KM301": Refusal("key that is no member", "A key is made of declared fields and to-one relations."),
    "KM302": Refusal("key that can't identify", "Members of a key are never None, and can be compared."),
    "KM303": Refusal("keys that need each other", "The key of each would be part of the other's."),
    "KM401": Refusal("relation to a class outside the App", "Rows that no store holds can't be referred to."),
    "KM402": Refusal("inverse that does not exist", "The other side of a relation is a relation of the target."),
    "KM403": Refusal("inverse that points elsewhere", "The two sides of a relation point at each other."),
    "KM404": Refusal("ambiguous relation", "It could be the other side of one that exists, or links of its own."),
    "KM405": Refusal("two relations with one inverse", "They would be the same relation under two names."),
    "KM406": Refusal("through a resource that does not connect", "It needs one to-one relation to each side."),
    "KM407": Refusal("constraint across stores", "No store can watch over rows of another."),
    "KM408": Refusal(
        "None where none may be", "on_delete='null' leaves None behind, which the relation does not admit."
    ),
    "KM409": Refusal(
        "actor by default where no actor fits", "The default is whoever acts: a row of the actor resource."
    ),
    "KM501": Refusal("unknown verb", "Rules are about read, create, update, delete, write, and the actions there are."),
    "KM502": Refusal("rule with other parameters", "A rule takes self, and the actor if it wants to know."),
    "KM503": Refusal("nobody can be logged in", "The rule asks who acts, and no resource is the actor."),
    "KM504": Refusal("several actors", "All rules ask about one resource that actors are rows of."),
    "KM505": Refusal("rule without a verb", "It would rule over nothing."),
    "KM506": Refusal("tenant that says nothing", "Rows and actors are compared by a relation or field that both have."),
    "KM601": Refusal("computed field without a type", "Its type is part of what the API promises."),
    "KM602": Refusal("computed field with parameters", "Its value follows from the row alone."),
    "KM603": Refusal(
        "stored computed field that needs more than its row", "It is renewed when its own row is written."
    ),
    "KM701": Refusal("action with inputs that can't be read", "Inputs come from annotated, named parameters."),
    "KM702": Refusal("action in the wrong place", "create is about all rows, update and delete about one."),
    "KM703": Refusal("action named like a relation or field", "Both would be at the same path."),
    "KM704": Refusal("method with two meanings", "A method is a rule, an action or a validator."),
    "KM801": Refusal("constraint on what is no member", "Constraints are over stored fields and to-one relations."),
    "KM802": Refusal("validator of an unknown field", "It would never run."),
    "KM803": Refusal(
        "constraint that asks about other rows", "Its condition is about one row and never changes by itself."
    ),
}
