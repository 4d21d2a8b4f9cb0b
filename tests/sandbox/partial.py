# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors

"""A release of LiteLLM of which the package index has only a part: what stands in for the rest.

LiteLLM consists of several packages, which some indexes get days apart. The package "litellm" alone holds the whole
proxy with its schema of the database. The nearest releases of the others fit, once the tables that they lack are added.
"""

import re
from pathlib import Path

# Packages of LiteLLM without which a proxy does not start. Another one, litellm-proxy, holds only what "litellm" holds
# as well.
COMPANIONS = ("litellm-proxy-extras", "litellm-enterprise")
COLUMN_TYPES = {
    "String": "TEXT",
    "Int": "INTEGER",
    "BigInt": "BIGINT",
    "Float": "DOUBLE PRECISION",
    "Boolean": "BOOLEAN",
    "DateTime": "TIMESTAMP(3)",
    "Json": "JSONB",
    "Bytes": "BYTEA",
}


def missing_part(pip_log):
    """Return the requirement of LiteLLM's own that the index lacks according to a log of pip, None if it is another."""
    found = re.search(r"No matching distribution found for (litellm-[^\s;]+)", pip_log)
    return found.group(1) if found else None


def split_requirements(requirements):
    """Split the requirements of a release into those of others, and the nearest of LiteLLM's own that may stand in."""
    others = [each for each in requirements if not each.startswith("litellm-")]
    nearest = [each.replace("==", "<=") for each in requirements if each.startswith(COMPANIONS)]
    return others, nearest


def added_tables(old, new):
    """Return the SQL that adds to a database of the schema old (text of Prisma) what new has besides.

    These are types, tables, and columns; the database is still empty. Indexes and foreign keys are left out: nothing
    here is large, and no test relies on the database to refuse what LiteLLM does not.
    """
    old_enums, new_enums = _enums(old), _enums(new)
    old_tables, new_tables = _tables(old, old_enums), _tables(new, new_enums)
    statements = [
        f'CREATE TYPE "{name}" AS ENUM ({", ".join(map(_text, values))});'
        for name, values in new_enums.items()
        if name not in old_enums
    ]
    for name, columns in new_tables.items():
        if name in old_tables:
            added = [columns[column] for column in columns if column not in old_tables[name]]
            statements += [f'ALTER TABLE "{name}" ADD COLUMN {column};' for column in added]
        else:
            statements.append(f'CREATE TABLE "{name}" ({", ".join(columns.values())});')
    return "\n".join(statements)


def _enums(schema):
    """Return the values of each enum of a schema, by name."""
    return {name: re.findall(r"^\s*(\w+)", body, re.M) for name, body in _blocks("enum", schema)}


def _tables(schema, enums):
    """Return the columns of each table of a schema, by name, as SQL; the primary key stands last, as "@@id"."""
    return {_mapped_name(body, "@@") or name: _columns(body, enums) for name, body in _blocks("model", schema)}


def _blocks(keyword, schema):
    return re.findall(rf"^{keyword} (\w+) \{{(.*?)^\}}", schema, re.M | re.S)


def _columns(body, enums):
    columns = {}
    key = re.search(r"^\s*@@id\(\[(.*?)\]", body, re.M)
    names = re.split(r"[,\s]+", key.group(1)) if key else []
    for line in body.splitlines():
        found = re.match(r"\s*(\w+)\s+(\w+)(\[\])?(\?)?(.*)", line.partition("//")[0])
        if not found:
            continue
        field, kind, many, optional, attributes = found.groups()
        if kind not in COLUMN_TYPES and kind not in enums:
            continue  # A relation: the column that holds it has a line of its own.
        name = _mapped_name(attributes, "@") or field
        if re.search(r"@id\b", attributes):
            names = [name]
        sql_type = COLUMN_TYPES.get(kind, f'"{kind}"') + (many or "")
        if "autoincrement()" in attributes:
            sql_type = "BIGSERIAL"
        required = "" if optional or many else " NOT NULL"
        columns[name] = f'"{name}" {sql_type}{_default(attributes, sql_type)}{required}'
    if names:
        columns["@@id"] = "PRIMARY KEY (" + ", ".join(f'"{name}"' for name in names) + ")"
    return columns


def _mapped_name(text, prefix):
    found = re.search(rf'(?<!@){prefix}map\("(.*?)"\)', text)
    return found.group(1) if found else None


def _default(attributes, sql_type):
    """Return the SQL of a column's default value, "" if the database has none."""
    found = re.search(r'@default\(("(?:[^"\\]|\\.)*"|\[\]|now\(\)|[\w.-]+)\)', attributes)
    if not found:
        return ""
    value = found.group(1)
    if value == "now()":
        return " DEFAULT CURRENT_TIMESTAMP"
    if value == "[]":
        return f" DEFAULT ARRAY[]::{sql_type}"
    if value in ("true", "false") or re.fullmatch(r"-?[\d.]+", value):
        return f" DEFAULT {value}"
    return f" DEFAULT {_text(value.strip(chr(34)))}"


def _text(value):
    return "'" + value.replace("'", "''") + "'"


def schema_file(site_packages):
    """Return the file of the schema that a release's own proxy uses."""
    return Path(site_packages) / "litellm" / "proxy" / "schema.prisma"
