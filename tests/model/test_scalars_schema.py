"""What the schema of a value admits, its form admits, and the other way round: else clients are told something else."""

from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from kingpost.language.types import Kind, Type
from kingpost.model.model import Constraints
from kingpost.model.scalars import CONFIG, annotation
from kingpost.model.scalars_schema import decimal_text, incoming

PRICE = Type(Kind.DECIMAL, digits=6, places=2)
PARTS = Type(Kind.DECIMAL, digits=2, places=2)
WHOLE = Type(Kind.DECIMAL, digits=3, places=0)


def form(type: Type, python: Any, constraints: Constraints) -> TypeAdapter[Any]:
    kind = annotation(type, python, constraints)
    return TypeAdapter(list[kind], config=CONFIG)


def agree(type: Type, python: Any, value: Any, constraints: Constraints) -> bool:
    """Whether schema and form say the same of a value; whether they admit it."""
    adapter = form(type, python, constraints)
    valid = Draft202012Validator(adapter.json_schema()).is_valid([value])
    try:
        adapter.validate_python([value])
    except ValidationError:
        taken = False
    else:
        taken = True
    assert valid == taken, (type, value, adapter.json_schema()["items"])
    return taken


FREE = Constraints()
CASES: list[tuple[Type, Any, Constraints, list[Any], list[Any]]] = [
    (Type(Kind.INT), int, FREE, [0, -5, 2**63 - 1], ["1", 1.5, True, None]),
    (Type(Kind.INT), int, Constraints(ge=-3, lt=9), [-3, 8], [-4, 9]),
    (Type(Kind.INT), int, Constraints(gt=-3, le=9), [-2, 9], [-3, 10]),
    (Type(Kind.INT), int, Constraints(multiple_of=5), [0, -10], [3]),
    (Type(Kind.FLOAT), float, Constraints(ge=0.5, le=2), [0.5, 1, 2], [0.4, 2.1, "1", True]),
    (Type(Kind.TEXT), str, Constraints(min_length=2, max_length=3), ["ab", "abc", "é😀"], ["a", "abcd", 5]),
    (Type(Kind.TEXT), str, Constraints(pattern="^[a-c]+$"), ["abc"], ["", "abd"]),
    (Type(Kind.DECIMAL), Decimal, FREE, ["0", "-12.50", "1" * 40, 5, 1.5],
     ["", "+1", ".5", "1.", "1e2", "NaN", "1" * 41]),
    (PRICE, Decimal, FREE, ["1234.56", "-0000.50", "1.5000", 1234.56, -9999.99, 3],
     ["12345", "1.234", "1.5001", 10_000, -10_000, True]),
    (PRICE, Decimal, Constraints(ge=0, lt=Decimal("10.5")), [0, 10.49], [-1, 10.5]),
    (PARTS, Decimal, FREE, ["0", "0.0", "-0", "0.25", "00.5", "-0.99", 0.25], ["1.25", ".5", 1]),
    (WHOLE, Decimal, FREE, ["999", "0999", "5.00", 999], ["1000", "5.5", 1000]),
    (Type(Kind.TIME), time, FREE, ["08:30:00", "23:59:59.999999", "08:30"],
     ["8:30", "24:00:00", "08:60:00", "08:30:60", "08:30:00Z", "08:30:00+01:00", "08:30:00.1234567", ""]),
    (Type(Kind.DURATION), timedelta, FREE, ["PT5H", "-P5D", "P1W", "PT0.5S", "P1DT2H3M4S", "PT1H5S", "P0D"],
     ["P", "PT", "P1Y", "P1M", "P1DT", "pt5h", "PT-5H", "PT1.5H", "P1W1D", "PT0.1234567S", ""]),
    (Type(Kind.BYTES), bytes, FREE, ["", "AP8=", "aGk=", "aGkh"], ["AP8", "AP_-", "AP 8=", "====", "QQ==Q"]),
    (Type(Kind.BYTES), bytes, Constraints(min_length=1, max_length=3), ["aGk=", "aGkh"], ["", "aGkhaGkh"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("type", "python", "constraints", "taken", "refused"), CASES, ids=lambda value: str(value)[:30]
)
def test_schema_and_form_agree(
    type: Type, python: Any, constraints: Constraints, taken: list[Any], refused: list[Any]
) -> None:
    for value in taken:
        assert agree(type, python, value, constraints), value
    for value in refused:
        assert not agree(type, python, value, constraints), value


def test_a_decimal_of_many_digits_is_one() -> None:
    """More than the 28 of Python's usual context; that was an error once, and a 500."""
    wide = form(Type(Kind.DECIMAL, digits=38, places=2), Decimal, FREE)
    for text in ("9" * 36 + ".99", "-" + "9" * 36, "0." + "0" * 39 + "0"):
        assert wide.validate_python([text]) == [Decimal(text)]
    for text in ("1" * 37, "1" * 36 + ".999", "0." + "0" * 39 + "1"):
        with pytest.raises(ValidationError, match="must have at most"):
            wide.validate_python([text])


@settings(max_examples=300)
@given(st.data())
def test_they_agree_on_texts_that_nobody_thought_of(data: st.DataObject) -> None:
    type, python = data.draw(
        st.sampled_from(
            [(PRICE, Decimal), (PARTS, Decimal), (WHOLE, Decimal), (Type(Kind.TIME), time), (Type(Kind.BYTES), bytes),
             (Type(Kind.DURATION), timedelta)]
        )
    )  # fmt: skip
    schema = decimal_text(type) if type.kind is Kind.DECIMAL else incoming(type, FREE)
    assert schema is not None
    right = st.from_regex(schema["pattern"], fullmatch=True)
    near = st.text(alphabet="0123459.-PTDHMSW:Zaz=+/", max_size=12)
    agree(type, python, data.draw(st.one_of(right, near)).removesuffix("\n"), FREE)


def test_no_word_of_pydantic_is_left_in_a_schema() -> None:
    """ge, max_digits and their like were once there as they are: words that no reader of JSON Schema knows."""
    for type, python, _, _, _ in CASES:
        found = form(type, python, Constraints(ge=0, lt=5, multiple_of=1) if type.kind is Kind.INT else FREE)
        assert not {"ge", "lt", "multiple_of", "max_digits", "decimal_places"} & set(found.json_schema()["items"])
