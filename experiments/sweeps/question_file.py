"""What the files that ask many runs one question have in common: study, optimisation and calibration."""

from os.path import isfile
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PrivateAttr, ValidationError

from safepassage.model.settings.base import ScenarioError, Section
from safepassage.model.settings.scenario import Scenario, Source, invalid, load, read_keys, validated

NO_PLAN_WORDS = ("none", "")


class QuestionFile(Section):
    """Which scenario, with what changed in all runs."""

    name: str = Field(pattern=r"^[a-z0-9_]+$", max_length=60)
    """Short name: small letters, digits and underscores."""
    title: str = ""
    """What is asked, in one line."""
    scenario: str
    """Shipped scenario or scenario file; a relative path is taken from this file's folder."""
    overrides: dict[str, Any] = Field({})
    """Dotted scenario keys changed in all runs."""

    _source: Source = PrivateAttr()

    @classmethod
    def of(cls, source: Source) -> Self:
        """Return the file that keys describe. Raises InvalidScenario with every mistake: file, line, key, change."""
        try:
            found = cls.model_validate(source.keys)
        except ValidationError as error:
            raise invalid(source, error, cls) from None
        found._source = source
        return found

    @property
    def source(self) -> Source:
        """The keys as written, and where each stands."""
        return self._source

    def place(self, *path: str) -> str:
        """Return file and line of a key."""
        return self._source.place(path)

    def beside(self, name: str) -> str:
        """Return a path beside this file if there is such a file, else the name."""
        path = self._source.folder / name
        return str(path) if isfile(path) else name

    def named(self, plan: str) -> str:
        """Return a plan as a command would name it: a path beside this file or a name; empty: no plan."""
        return "" if plan in NO_PLAN_WORDS else self.beside(plan)

    def under(self, plan: str, changes: dict[str, Any] | None = None) -> Scenario:
        """Return the scenario under a plan, with the overrides or other changes. Raises ScenarioError."""
        loaded = load(self.beside(self.scenario), plan=self.named(plan) or None)
        source = loaded.source
        for key, value in (self.overrides if changes is None else changes).items():
            source = source.with_changes({key: value}, self.place("overrides", key))
        return loaded if source is loaded.source else validated(source)


def source_of(path: Path | str, what: str) -> Source:
    """Return the keys of a YAML file. Raises ScenarioError if there is no such file; what: the kind of file."""
    path = Path(path)
    if not isfile(path):
        raise ScenarioError(f"{path}: there is no such {what} file.")
    return read_keys(path)
