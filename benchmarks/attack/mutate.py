"""Changes to texts and values, as mistakes, damage and malice make them."""

import random
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

NASTY: tuple[Any, ...] = (
    0, -1, 1, 2, 1e-9, -1e-9, 1e9, 1e300, float("nan"), float("inf"), 2**31, 2**63, 2**64, -(2**63), 10**40, 0.5, True,
    False, None, "", " ", "x", "0", "-1", "nan", "inf", "1e999", "None", "true", "2024-02-30", "2024-08-20",
    "2024-08-20T25:00", "24:00", "06:30", "9999-12-31", "0001-01-01", "UTC", "\x00", "\x1b[31m", "\u202e", "\ud7ff",
    "a" * 5000, "../../etc/passwd", "/dev/null", ".", "[bold]x[/]", "=1+1", "<b>", "'; drop", [], [[]], [None], {},
    {"x": 1}, [1, 2, 3], [0.5, 0.5], [{"name": "x"}], {"a": {"b": {"c": []}}},
)  # fmt: skip
TEXTS = tuple(str(value)[:60] for value in NASTY)
PIECES = (
    "&a ", "*a", "!!int ", "!!binary ", "!!python/object:os.system ", "[", "]", "{", "}", "- ", ": ", "\n", '"', "'",
    "010", "1:30", "<<: ", "---\n", "\t", "~", ",", ";", "\r", "\ufeff", "\x00", "\u2028", "é", "&#0;", "<", ">", "/>",
)  # fmt: skip


def value(chance: random.Random, example: Any = None) -> Any:
    """Return a value that may stand where the example does, or not at all."""
    kind = chance.random()
    if isinstance(example, int | float) and not isinstance(example, bool) and kind < 0.5:
        return example * chance.choice((0, 0.01, 0.5, 2, 10, 1000, -1))
    return deepcopy(chance.choice(NASTY))  # whoever changes it must not change what later trials take


def text(chance: random.Random, before: str) -> str:
    """Return a text with a few pieces put in, taken out, doubled or moved."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(before) + 1)
        what = chance.randrange(4)
        if what == 0:
            before = before[:at] + chance.choice(PIECES) + before[at + chance.choice((0, 0, 1, 5, 40)) :]
        elif what == 1:
            before = before[:at] + chance.choice(TEXTS) + before[at + chance.choice((0, 3, 10)) :]
        elif what == 2:
            before = before[:at] + before[at + chance.choice((1, 10, 200)) :]
        else:
            length = chance.choice((3, 20, 300))
            before = before[:at] + before[at : at + length] + before[at:]
    return before


def cells(chance: random.Random, table: str) -> str:
    """Return a CSV with a few cells, rows or columns changed."""
    rows = [line.split(",") for line in table.splitlines()]
    for _ in range(chance.randint(1, 5)):
        row = chance.choice(rows)
        what = chance.randrange(6)
        if what < 3 and row:
            row[chance.randrange(len(row))] = chance.choice(TEXTS)
        elif what == 3:
            rows.append(list(row))
        elif what == 4 and row:
            del row[chance.randrange(len(row))]
        else:
            chance.shuffle(rows)
    return "\n".join(map(",".join, rows)) + "\n"


def content(chance: random.Random, before: bytes) -> bytes:
    """Return bytes, some of them changed, lost or doubled."""
    if chance.random() < 0.2:
        return before[: chance.randrange(len(before) + 1)]
    changed = bytearray(before)
    for _ in range(chance.randint(1, 6)):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def nested(chance: random.Random, whole: Any) -> Any:
    """Change one value somewhere in lists and mappings, in place, and return the whole."""
    at = whole
    if not isinstance(whole, dict | list):
        return value(chance, whole)
    while True:
        keys: Sequence[Any] = list(at) if isinstance(at, dict) else range(len(at))
        if not keys:
            return whole
        key = chance.choice(keys)
        inner = at[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.85:
            at = inner
            continue
        if chance.random() < 0.25:
            del at[key]
        else:
            at[key] = value(chance, inner)
        return whole
