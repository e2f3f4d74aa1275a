"""What the documents take from docstrings: columns of a class, arguments of a function, examples, whole texts."""

import ast
import re
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any


def columns_of(path: Path, name: str) -> dict[str, str]:
    """Return column -> docstring of a class of columns; columns in a row share the docstring that follows them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    found: dict[str, str] = {}
    waiting: list[str] = []
    for node in body:
        if isinstance(node, ast.AnnAssign):
            waiting.append(node.target.id)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and waiting:
            words = " ".join(str(node.value.value).split())
            found |= dict.fromkeys(waiting, words)
            waiting = []
    return found | dict.fromkeys(waiting, "")


def of_module(name: str) -> str:
    """Return the docstring of a module by its import name."""
    return (import_module(name).__doc__ or "").strip()


def first_code(text: str) -> str:
    """Return the first indented block of a docstring, without its indentation."""
    block = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    return "\n".join(block)


def as_markdown(text: str) -> str:
    """Return a docstring as Markdown: its indented blocks become blocks of code."""
    found, is_code = [], False
    for line in text.splitlines():
        if line.startswith("    ") != is_code and line.strip():
            is_code = not is_code
            found.append("```")
        found.append(line.removeprefix("    ") if is_code else line)
    return "\n".join([*found, *(["```"] if is_code else [])])


def arguments_as_fields(app, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Turn `argument: meaning` in the docstring of a function into fields, as Sphinx shows arguments.

    app, name, options: given by Sphinx, not used. what: kind of obj, such as "function". obj: what is described. lines:
    its docstring; written.
    """
    if what not in ("function", "method", "class") or (what == "class" and "__init__" not in vars(obj)):
        return
    known = [one for one in signature(obj).parameters if one != "self"]
    if not known:
        return
    starts = re.compile(rf"(?:^|(?<=[.;]\s))({'|'.join(known)}):\s")
    found = []
    for paragraph in re.sub(r"(?<=\.)\s+(?=Raises )", "\n\n", "\n".join(lines)).split("\n\n"):
        pieces = starts.split(paragraph)
        found.append(re.sub(r";\s*$", ".", pieces[0].strip("\n")))
        fields = [
            f":param {arg}: {' '.join(words.split())}" for arg, words in zip(pieces[1::2], pieces[2::2], strict=True)
        ]
        found.append("\n".join(fields))
    lines[:] = "\n\n".join(part for part in found if part).splitlines()
