"""How SQLAlchemy writes for DuckDB: as for PostgreSQL, with DuckDB's own types and all names in quotes."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.base import PGDialect, PGIdentifierPreparer, PGTypeCompiler
from sqlalchemy.engine.interfaces import BindTyping


class HugeInt(sa.types.UserDefinedType[int]):
    """128 bits: what is computed of 64-bit integers and of scaled decimals overflows as an error, never silently."""

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **options: Any) -> str:
        return "HUGEINT"


class _Types(PGTypeCompiler):
    """The names that DuckDB's catalogue has for types. Its FLOAT has 32 bits."""

    def visit_big_integer(self, type_: Any, **kw: Any) -> str:
        return "BIGINT"

    def visit_text(self, type_: Any, **kw: Any) -> str:
        return "VARCHAR"

    def visit_double(self, type_: Any, **kw: Any) -> str:
        return "DOUBLE"

    def visit_large_binary(self, type_: Any, **kw: Any) -> Any:
        return "BLOB"

    def visit_numeric(self, type_: Any, **kw: Any) -> str:
        return f"DECIMAL({type_.precision},{type_.scale})"

    def visit_datetime(self, type_: Any, **kw: Any) -> Any:
        return "TIMESTAMP WITH TIME ZONE"

    def visit_time(self, type_: Any, **kw: Any) -> str:
        return "TIME"


class _Names(PGIdentifierPreparer):
    """DuckDB has more reserved words than PostgreSQL, and other ones in each version."""

    def _requires_quotes(self, value: str) -> bool:
        return True


def _cast(type_: type[Any]) -> type[Any]:
    return type(f"Bound{type_.__name__}", (type_,), {"render_bind_cast": True})


class DuckDBWords(PGDialect):
    """Parameters are `$1`, each with its type, so that a statement means the same whatever is bound."""

    supports_statement_cache = True
    bind_typing = BindTyping.RENDER_CASTS
    type_compiler_cls = _Types
    preparer = _Names
    colspecs = {
        **PGDialect.colspecs,
        **{
            one: _cast(one)
            for one in (
                sa.Boolean, sa.BigInteger, sa.Double, sa.Numeric, sa.Text, sa.LargeBinary, sa.Uuid, sa.DateTime,
                sa.Date, sa.Time, postgresql.ARRAY,
            )
        },
    }  # fmt: skip


WORDS: Final = DuckDBWords(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
