"""Parts of statements that differ between SQLite and PostgreSQL, mainly parameters that hold many values.

Such a parameter is a single JSON text, whatever the number of values, so that the statement stays the same.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Dialect,
    FromClause,
    Select,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.types import TypeEngine

Type = type[TypeEngine[Any]]


class Parts:
    """Builds the parts for one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.is_sqlite = dialect.name == "sqlite"

    def elements(self, name: str, type_: Type = Text) -> FromClause:
        """Return the elements of a parameter that is a JSON array, as a table with the column `value`."""
        if self.is_sqlite:
            return func.json_each(bindparam(name, type_=Text)).table_valued("value", name=f"each_{name}")
        array = func.json_array_elements_text(cast(bindparam(name, type_=Text), JSON))
        elements = array.table_valued("value", name=f"each_{name}").render_derived()
        return select(cast(elements.c.value, type_).label("value")).subquery(name)

    def rows(self, name: str, columns: dict[str, Type]) -> FromClause:
        """Return the elements of a parameter that is a JSON array of objects, as a table with these columns."""
        if self.is_sqlite:
            each = func.json_each(bindparam(name, type_=Text)).table_valued("value", name=f"each_{name}")
            members = [func.json_extract(each.c.value, literal_column(f"'$.{key}'")).label(key) for key in columns]
            return select(*members).subquery(name)
        objects = func.json_to_recordset(cast(bindparam(name, type_=Text), JSON))
        typed = [column(key, type_) for key, type_ in columns.items()]
        return objects.table_valued(*typed, name=name).render_derived(with_types=True)


def cross(*tables: FromClause) -> FromClause:
    """Join tables in this order, without a condition."""
    joined = tables[0]
    for table in tables[1:]:
        joined = joined.join(table, literal_column("true"))
    return joined


def number(value: int) -> ColumnElement[int]:
    """Return a number that is part of the statement."""
    return literal_column(str(value))


def limited(statement: Select[Any], limit: int | None = None) -> Select[Any]:
    """Limit the rows, by default to the parameter `limit`. SQLite's offset would be a parameter if it were left out."""
    rows = bindparam("limit", type_=BigInteger) if limit is None else number(limit)
    return statement.limit(rows).offset(number(0))
