"""The versions that pyproject.toml allows, the lock file of the development environment, and what CI tries."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
KNOWN_BREAKS = {"mesa", "ipyvue", "ipyvuetify"}
"""Packages with an upper bound, since it is known what breaks above it (docs/versions.md)."""


def asked() -> list[Requirement]:
    """Return what pyproject.toml asks for, extras of this package and benchmarks aside."""
    extras = [some for name, some in PROJECT["optional-dependencies"].items() if name != "benchmarks"]
    all_ = [Requirement(one) for some in [PROJECT["dependencies"], *extras] for one in some]
    return [one for one in all_ if one.name != PROJECT["name"]]


@pytest.fixture(scope="module")
def lock() -> str:
    return (ROOT / "dev-lock.txt").read_text(encoding="utf-8")


def test_the_lock_file_holds_what_is_asked_for_within_bounds(lock):
    locked: dict[str, list[Version]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^ ;]+)", lock, re.MULTILINE):
        locked.setdefault(canonicalize_name(name), []).append(Version(version))
    wrong = [
        str(one) for one in asked() if not any(v in one.specifier for v in locked.get(canonicalize_name(one.name), ()))
    ]
    assert not wrong, "write dev-lock.txt anew, as CONTRIBUTING.md says"


def test_the_lock_file_has_a_hash_for_each_package_and_no_address(lock):
    packages = re.split(r"\n(?=\w)", lock.strip())
    assert len(packages) > 100 and all("--hash=sha256:" in one for one in packages)
    assert "://" not in lock and "--index" not in lock and "--find-links" not in lock and " @ " not in lock


def test_upper_bounds_are_set_only_where_a_break_is_known():
    bounded = {one.name for one in asked() if any(spec.operator in ("<", "<=", "==", "~=") for spec in one.specifier)}
    assert bounded == KNOWN_BREAKS
    text = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8").casefold()
    assert all(name in text for name in bounded)


def test_ci_tries_the_lowest_version_of_each_package():
    told = subprocess.run(
        [sys.executable, ".ci/lowest.py", "gis", "study"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lowest = dict(line.split("==") for line in told.stdout.split())
    for one in map(Requirement, PROJECT["dependencies"]):
        (bound,) = [spec.version for spec in one.specifier if spec.operator == ">="]
        assert lowest[one.name] == bound
