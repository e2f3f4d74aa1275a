"""The layout that CONTRIBUTING.md describes: packages as declared, folders and modules of a size that can be read."""

import ast
import re
import tomllib
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parent.parent
SHIPPED = ("agents", "app", "experiments", "model", "safepassage", "scenarios")
MOST_MODULES = 16
MOST_LINES = 400
LONGER = ("agents/rules/drive.py", "agents/rules/walk.py")
"""A compiled kernel that numba keeps on disk may call only kernels of its own file, so these two cannot be split."""


def _code_folders() -> list[Path]:
    """Return the folders that hold Python modules, tests and what is not under version control left out."""
    tops = [*SHIPPED, "benchmarks", "docs", "notebooks"]
    return sorted({path.parent for top in tops for path in (ROOT / top).rglob("*.py")})


def _modules() -> list[Path]:
    return [module for folder in _code_folders() for module in sorted(folder.glob("*.py"))]


def _setuptools() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


def _package_of(folder: Path) -> str:
    """Return the import name of a folder: all but safepassage/ itself stand under safepassage by package-dir."""
    parts = folder.relative_to(ROOT).parts
    return ".".join(parts if parts[0] == "safepassage" else ("safepassage", *parts))


def test_pyproject_names_every_folder_of_the_package_and_no_other():
    folders = {_package_of(f): f for f in _code_folders() if f.relative_to(ROOT).parts[0] in SHIPPED}
    declared = _setuptools()
    assert sorted(declared["packages"]) == sorted(folders)
    assert declared["package-dir"] == {name: f.relative_to(ROOT).as_posix() for name, f in folders.items()}


def test_every_package_has_a_line_that_says_what_is_in_it():
    for folder in _code_folders():
        if folder.relative_to(ROOT).parts[0] in SHIPPED:
            text = (folder / "__init__.py").read_text(encoding="utf-8")
            assert text.startswith('"""'), f"{folder.relative_to(ROOT)}/__init__.py has no docstring"


@pytest.mark.parametrize("folder", _code_folders(), ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_no_folder_of_code_holds_more_modules_than_fit_on_a_screen(folder):
    modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_MODULES, f"{len(modules)} modules; divide the folder by subject"


def test_no_module_is_too_long_to_read_at_one_sitting():
    too_long = {}
    for module in _modules():
        name = module.relative_to(ROOT).as_posix()
        n_lines = len(module.read_text(encoding="utf-8").splitlines())
        if n_lines >= MOST_LINES and name not in LONGER:
            too_long[name] = n_lines
    assert not too_long, f"split by subject, not by helpers: {too_long}"


def test_the_modules_that_may_be_longer_give_the_reason_themselves():
    for name in LONGER:
        assert "numba's cache" in (ROOT / name).read_text(encoding="utf-8").split('"""')[1]


def undocumented(path: Path) -> list[str]:
    """Return public functions with four or more arguments of which some are not named in the docstring.

    Commands are left out: each of their options has its help.
    """
    found = []

    def look(node, cls):
        for one in node.body:
            if isinstance(one, ast.ClassDef):
                look(one, one)
            elif isinstance(one, ast.FunctionDef) and (not one.name.startswith("_") or one.name == "__init__"):
                given = [arg.arg for arg in (*one.args.posonlyargs, *one.args.args, *one.args.kwonlyargs)]
                names = [name for name in given if name not in ("self", "cls")]
                if "typer." in ast.unparse(one.args) or any("command(" in ast.unparse(d) for d in one.decorator_list):
                    continue
                told = ast.get_docstring(one) or ""
                if one.name == "__init__":
                    told += ast.get_docstring(cls) or ""
                missing = [name for name in names if not re.search(rf"\b{name}\b", told)]
                if len(names) >= 4 and missing and not (cls and cls.name.startswith("_")):
                    found.append(f"{path.name}:{one.lineno} {one.name}: {', '.join(missing)}")

    look(ast.parse(path.read_text(encoding="utf-8")), None)
    return found


@pytest.mark.parametrize("folder", [*SHIPPED, "benchmarks", "docs"])
def test_every_public_function_with_four_or_more_arguments_names_them_in_its_docstring(folder):
    found = [line for path in sorted((ROOT / folder).rglob("*.py")) for line in undocumented(path)]
    assert not found, found


def _imports(node: ast.AST) -> list[str]:
    """Return what a module imports from the package, at its top, inside functions or for annotations alone."""
    found = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ImportFrom) and child.module:
            found += [child.module, *(f"{child.module}.{alias.name}" for alias in child.names)]
        found += _imports(child)
    return found


def test_no_module_imports_another_that_imports_it_in_turn_not_even_inside_a_function_or_for_an_annotation():
    shipped = [path for path in _modules() if path.relative_to(ROOT).parts[0] in SHIPPED]
    names = {path: f"{_package_of(path.parent)}.{path.stem}".removesuffix(".__init__") for path in shipped}
    arrows = nx.DiGraph()
    for path, name in names.items():
        imported = set(_imports(ast.parse(path.read_text(encoding="utf-8")))) & set(names.values())
        arrows.add_edges_from((name, other) for other in imported if not name.startswith(f"{other}."))
    assert len(arrows.edges) > 200
    circles = [sorted(circle) for circle in nx.strongly_connected_components(arrows) if len(circle) > 1]
    assert not circles
