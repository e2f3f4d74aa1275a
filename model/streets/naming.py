"""How a street is named in a scenario: by its name, or by one of them, in any case; or by the two nodes it joins."""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from safepassage.model.settings.base import NamedStreet
from safepassage.model.settings.errors import ScenarioError

SEPARATOR = " / "
"""Between the names of a street that the network gives several: each of them, and all of them, name it."""


def _plain(name: str) -> str:
    """Return a name without what does not distinguish it: case, doubled spaces, and how accents are encoded (NFC)."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


class StreetNames:
    """The one place where names of streets are looked up: for closures, damage, crews, nets and the page."""

    def __init__(
        self,
        link_name: Sequence[str | None],
        node_id: Sequence[str] = (),
        link_upstream: npt.ArrayLike = (),
        link_downstream: npt.ArrayLike = (),
    ) -> None:
        """link_name: name of each link, "" or None if it has none. The others are needed to find streets by nodes.

        node_id: name of each node. link_upstream: node at which each link begins, int32. link_downstream: node at
        which each link ends, int32.
        """
        self._link_name = [name or "" for name in link_name]
        self._node = {node: row for row, node in enumerate(node_id)}
        self._ends = np.column_stack((np.asarray(link_upstream, np.int64), np.asarray(link_downstream, np.int64)))

    @cached_property
    def _links_by_name(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for link, name in enumerate(self._link_name):
            for each in {_plain(name), *map(_plain, name.split(SEPARATOR))} - {""}:
                found.setdefault(each, []).append(link)
        return found

    def links_called(self, name: str) -> npt.NDArray[np.int64]:
        """Return the links of all streets of a name, both directions; none if there is no such street."""
        return np.array(self._links_by_name.get(_plain(name), ()), np.int64)

    def links_between(self, nodes: Iterable[str]) -> npt.NDArray[np.int64]:
        """Return the links that join two nodes, both directions; none if there are no such links."""
        rows = [self._node.get(node, -1) for node in nodes]
        if min(rows) < 0:
            return np.empty(0, np.int64)
        here, there = self._ends.T
        return np.flatnonzero(((here == rows[0]) & (there == rows[1])) | ((here == rows[1]) & (there == rows[0])))

    def links_of(self, street: NamedStreet) -> npt.NDArray[np.int64]:
        """Return the links of a street that a section of a scenario names; none if there is no such street."""
        return self.links_called(street.name) if street.name is not None else self.links_between(street.between or ())

    def demand(self, street: NamedStreet, place: str) -> npt.NDArray[np.int64]:
        """Return the links of a street. Raises ScenarioError naming the place of the setting if there is none."""
        links = self.links_of(street)
        if links.size == 0:
            nodes = " and ".join(map(repr, street.between or ()))
            what = f"is called {street.name!r}" if street.name is not None else f"joins the nodes {nodes}"
            raise ScenarioError(f"{place}: no street {what}. Write it as the street file has it.")
        return links

    def demand_called(self, name: str, place: str) -> npt.NDArray[np.int64]:
        """Return the links of all streets of a name. Raises ScenarioError naming the place of the setting if none."""
        return self.demand(NamedStreet(name=name), place)

    def name_of(self, link: int) -> str:
        """Return the name of a link's street; "" if it has none."""
        return self._link_name[link]
