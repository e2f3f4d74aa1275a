"""The scenario of a town that is begun, as a file in which each choice is explained beside it."""

import json
import textwrap
from dataclasses import dataclass
from datetime import datetime

from safepassage.model.maps.ways_out import WayOut
from safepassage.model.settings.files.texts import UNSEEN
from safepassage.model.streets.ways_out.doubts import TOO_FEW


@dataclass(frozen=True)
class Choices:
    """What was found and chosen for a town."""

    name: str
    source: str
    is_openstreetmap: bool
    exits: tuple[WayOut, ...]
    doubtful: tuple[WayOut, ...]
    found_on_border: tuple[tuple[str, str], ...]
    """Name and reason of each exit that the model finds itself; empty where `exits` are named."""
    accepted: bool
    zones_told: tuple[str, ...]
    n_residents: int
    buildings_told: str
    has_buildings: bool
    lives_in_buildings: bool
    places: dict[str, int]
    background: dict[str, int]
    """Number of things of each kind that maps show beneath the streets."""
    network_told: tuple[str, ...]
    time_zone: str
    time_zone_from: str
    """Where the time zone is from, if the user gave none: a sentence."""
    start: datetime
    with_walkways: bool

    def told(self) -> list[str]:
        """Return all that a user should know, one sentence each."""
        exits = [
            f"Exit {one.name}: {one.why}." + (f" Doubtful: {one.doubt}." if one.doubt else "") for one in self.exits
        ]
        exits += [f"Exit {name}: {why}." for name, why in self.found_on_border]
        whys: dict[str, list[str]] = {}
        for one in self.doubtful:
            whys.setdefault(one.doubt or TOO_FEW, []).append(one.name)
        doubtful = [f"Doubtful, and left out ({why}): {', '.join(names)}. --accept-exits includes them."
                    for why, names in whys.items()]  # fmt: skip
        places = ", ".join(f"{n} {kind}{'s' if n > 1 and kind != 'police' else ''}" for kind, n in self.places.items())
        found = [f"Places found: {places}."] if places else []
        beneath = ", ".join(f"{kind} {n:,}" for kind, n in self.background.items())
        drawn = [f"Maps show beneath the streets (things of a kind): {beneath}."] if beneath else []
        return [*self.network_told, *exits, *doubtful, *self.zones_told, self.buildings_told, *found, *drawn]


def scenario_text(of: Choices) -> str:
    """Return the text of scenario.yaml."""
    data = "(c) OpenStreetMap contributors, ODbL 1.0" if of.is_openstreetmap else f"those of {of.source}"
    parts = [
        _said(f"Made by `safepassage init` from {of.source}. Each choice is explained beside it: read them, correct "
              "what you know better, and run `safepassage validate scenario.yaml`."),
        f"name: {of.name}",
        f"title: How many of {of.n_residents:,} people are out of the town by the end of the first day?",
        f"notice: {_quoted(f'Streets: {data}. The order is hypothetical, and nothing falls. No claim is made.')}",
        "",
        "run:",
        *_said("When it begins, in local time. This date is only an example: write the day that you ask about.", 2),
        f"  start: {of.start:%Y-%m-%dT%H:%M}",
        *_said("How long (h) and in which steps (s). Assumption.", 2),
        "  duration_h: 24",
        "  step_s: 60",
        "  seed: 1",
        "",
        "streets:",
        *_said("The streets with OSMnx's attributes." + (
            "" if of.with_walkways else " Roads for cars, on which people walk as well; --walkways would add paths and "
            "service roads."), 2),
        *[line for told in of.network_told for line in _said(told, 2)],
        "  network: network.graphml.gz",
        *([*_said("Water, green, railways and names of places, for maps alone.", 2), "  background: background.geojson"]
          if of.background else []),
        *_exits(of),
        "",
        "population:",
        *[line for told in of.zones_told for line in _said(told, 2)],
        "  zones: zones.geojson",
        "  zone_name_property: zone_id",
        *_said(of.buildings_told, 2),
        *(["  buildings: buildings.geojson"] if of.lives_in_buildings else []),
        *_said("Ages, households, cars and impairments are those of Ukraine and Donetsk oblast by default; see "
               "`safepassage keys population` for what to state of your town.", 2),
        "",
        *_said("One order to leave, half an hour after the start. Times and compliance are assumptions."),
        "orders:",
        "  - {issued_h: 0.5, compliance: 0.8}",
        "",
        *_said("Nothing falls: give recorded events (kind: recorded) or a process (kind: process, events_per_day); see "
               "`safepassage keys shelling`."),
        "shelling:",
        *_said(f"Time zone of all local times. {of.time_zone_from}".strip(), 2),
        f"  time_zone: {of.time_zone}",
        *_more(of),
    ]  # fmt: skip
    return "\n".join(line for part in parts for line in ([part] if isinstance(part, str) else part)) + "\n"


def _exits(of: Choices) -> list[str]:
    lines: list[str] = []
    if of.exits:
        if of.accepted:
            lines += _said("The user has looked at the exits and accepted all of them (--accept-exits).", 2)
        else:
            lines += _said("Found on the map: look at map.png, and write confirmed: true beside those by which people "
                           "can leave. Until then, each run names those that may be none.", 2)  # fmt: skip
        lines.append("  exits:")
        for one in of.exits:
            lines += _said(f"{one.why}." + (f" Doubtful: {one.doubt}." if one.doubt else ""), 4)
            said = "true" if of.accepted else "false"
            doubt = f", doubt: {_quoted(one.doubt)}" if one.doubt and not of.accepted else ""
            lines.append(f"    - {{name: {_quoted(one.name)}, node: {_quoted(one.node)}, confirmed: {said}{doubt}}}")
    else:
        lines += _said("Fewer than two streets are surely cut by the edge of the map, so exits are searched for on its "
                       "border whenever the scenario is built. Look at map.png and name the real ones:", 2)  # fmt: skip
        lines += [f"  #   {name}: {why}" for name, why in of.found_on_border]
        lines.append("  border_exits: {n_exits: 6}")
    if of.doubtful:
        lines += _said("Doubtful, and left out. Take one in (without the #) if people can leave there:", 4)
        for one in of.doubtful:
            lines += _said(f"{one.why}; {one.doubt or TOO_FEW}.", 4)
            lines.append(f"    # - {{name: {_quoted(one.name)}, node: {_quoted(one.node)}}}")
    return lines


def _more(of: Choices) -> list[str]:
    lines = []
    if of.places:
        found = ", ".join(f"{kind}: {n}" for kind, n in of.places.items())
        lines += ["", *_said(f"places.geojson holds these places of the map: {found}. Schools and stations can "
                             "serve as pickup points (services.pickup_points), stations for trains (services.trains), "
                             "shelters as shelters (shelters.places, with the people each can hold).")]  # fmt: skip
    if of.has_buildings:
        lines += ["", *_said("Debris can close streets beside buildings. To include it:"), "# damage:", "#   debris:",
                  "#     footprints: buildings.geojson"]  # fmt: skip
    return lines


def _said(text: str, indent: int = 0) -> list[str]:
    """Return a text as comment lines."""
    lead = " " * indent + "# "
    return textwrap.wrap(" ".join(text.split()), 116, initial_indent=lead, subsequent_indent=lead)


def _quoted(text: str) -> str:
    """Return a text as YAML reads it back, whatever it holds; what cannot be seen is left out, ends of lines too."""
    return json.dumps(" ".join(UNSEEN.sub("", text).split()), ensure_ascii=False)
