"""Who asks, as far as rights go: folds each right for one actor, and remembers which were consulted."""

from __future__ import annotations

from kingpost.language.evaluate import Frame
from kingpost.language.tree import FALSE, TRUE, Expression, Root, Row, all_of, rebase
from kingpost.model.model import ComputedModel
from kingpost.plan.cost import Cost
from kingpost.plan.rights import Outcomes, Right, Rights, unless_true


class Standing:
    """The rights of one asker while one plan is made.

    `consulted` holds every right that was looked at with its outcomes: a plan may be used again for whoever has the
    same outcomes. The system (`as_system`) is limited by nothing but deletion.
    """

    def __init__(self, rights: Rights, frame: Frame, *, system: bool, named: bool) -> None:
        self.rights = rights
        self.model = rights.model
        self.frame = frame
        self.system = system
        self.named = named
        self.consulted: dict[Right, Outcomes] = {}
        self.cost = Cost()

    def fold(self, right: Right) -> Expression:
        """The right with what is known of the asker put in."""
        outcomes = self.consulted.get(right)
        if outcomes is None:
            outcomes = self.consulted[right] = right.outcomes(self.frame)
        return right.given(outcomes)

    def guard(self, resource: str) -> Expression:
        """Tenant and soft delete."""
        return self.fold(self.rights.kept(resource) if self.system else self.rights.guard(resource))

    def may(self, resource: str, verb: str) -> Expression:
        """The rows for which the asker may do `verb`, by the rules."""
        return TRUE if self.system else self.fold(self.rights.verb(resource, verb))

    def visible(self, resource: str) -> Expression:
        """The rows that exist for the asker."""
        return all_of(self.guard(resource), self.may(resource, "read")) or TRUE

    def member(self, resource: str, name: str, mode: str = "read") -> Expression:
        """The rows on which the asker may read (write) a field, relation or computed field: often all or none."""
        found = self.model[resource]
        owner = found.fields.get(name) or found.relations.get(name) or found.computed.get(name)
        if owner is None:
            return FALSE
        if mode == "read" and not self.system and not (owner.access.readable and found.opens("read")):
            return FALSE
        right = None if self.system else self.rights.member(resource, name, mode)
        return TRUE if right is None else self.fold(right)

    def knows(self, resource: str, name: str) -> bool:
        """Whether a member may be named to the asker: on some row he may read it, or write it."""
        owner = self.model[resource].owner(name)
        if owner is None or self.member(resource, name) != FALSE:
            return owner is not None
        written = not isinstance(owner, ComputedModel) and owner.access.writable != "never"
        return written and self.member(resource, name, "write") != FALSE

    def member_of(self, row: Row, name: str) -> Expression:
        """The same, about a row other than the root."""
        right = self.member(row.resource, name)
        return right if isinstance(row, Root) else rebase(right, row, self.rights.fresh)

    def target(self, resource: str) -> Expression | None:
        """The guard of a step to `resource`: None where all of its rows are visible."""
        return unless_true(self.visible(resource))

    def links(self, resource: str, relation: str) -> Expression | None:
        """The guard of the rows by which a relation leads on, where these were declared: None where all are visible."""
        declared = self.model[resource].relations[relation]
        return self.target(declared.link) if declared.through else None
