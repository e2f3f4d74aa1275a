"""Makes the schematic region around Pokrovsk: four towns on one road network, drawn by code, not the real street map.

Run `python scenarios/make_pokrovsk_region.py`. It writes networks/pokrovsk_region_schematic.graphml.gz and
tables/pokrovsk_region_zones.geojson, _places.geojson and _front.geojson beside itself, always the same bytes.

Published: which towns there are and how many lived in them in August 2024; that Myrnohrad and Kostiantynivka lie on one
road into Pokrovsk and Dobropillia on another, and that the road west from Pokrovsk leads to Pavlohrad; distances to the
front that officials quoted. From coordinates as generally known: where the towns lie. Invented: every street, outlines
of the towns and their halves, bends of the roads, and the line of the front between the quoted distances.
"""

import random
from pathlib import Path

from safepassage.scenarios import schematic
from safepassage.scenarios.schematic import polyline, quarter

CENTRE = (37.175, 48.282)
"""Pokrovsk: longitude and latitude of the point 0, 0."""
NOTE = (
    "SCHEMATIC: a region drawn by scenarios/make_pokrovsk_region.py from published facts about Pokrovsk, Myrnohrad, "
    "Dobropillia and Kostiantynivka. Streets, outlines and the line of the front are invented. Not the real street map."
)
SEED = 2024
WEST, NORTH_WEST = (-8000, -2200), (-14200, 22800)
EXITS = {WEST: "Road west (E50)", NORTH_WEST: "Dobropillia road west"}
"""The second is shut in the scenario; a plan may open it."""
TOWNS = {
    "Pokrovsk": (0, 0), "Myrnohrad": (6440, 2220), "Dobropillia": (-6660, 20_900), "Kostiantynivka": (39_350, 27_200),
}  # fmt: skip
"""Middle of each town: 48.302 N 37.262 E, 48.470 N 37.085 E, 48.527 N 37.707 E (metres east and north of Pokrovsk)."""
SIZE_M = {
    "Pokrovsk": (5200, 4400), "Myrnohrad": (3000, 2600), "Dobropillia": (3200, 2800), "Kostiantynivka": (5600, 4200),
}  # fmt: skip
"""Extent from west to east and from south to north (m). Assumption but for Pokrovsk's."""
RESIDENTS = {
    "Pokrovsk west": 23_000, "Pokrovsk east": 23_000, "Myrnohrad": 20_000, "Dobropillia": 30_000,
    "Kostiantynivka west": 10_000, "Kostiantynivka east": 10_000,
}  # fmt: skip
"""Pokrovsk: 46,000 before people left (Filashkin, censor 3513823), between 48,000 on 9 August (svoi.city 380188) and
38,000 late in August. Myrnohrad: 20,000 on 16 August (Tretiak, censor 3505053). Kostiantynivka: 20,000 early in
September (Filashkin, censor 3513823). Dobropillia: a town of 30,000 (24tv.ua n2939943). Equal halves: assumption."""

FRONT = {
    "2024-08-16": [(2000, -26_000), (9000, -15_000), (12_000, -7200), (13_300, -1400), (22_000, 3500), (34_000, 9000),
                   (46_000, 14_000), (51_000, 22_000), (52_000, 33_000), (50_000, 48_000)],
    "2024-08-28": [(0, -26_000), (7500, -15_000), (10_400, -6700), (11_800, -800), (21_000, 4000), (34_000, 9500),
                   (46_000, 14_500), (51_000, 22_000), (52_000, 33_000), (50_000, 48_000)],
}  # fmt: skip
"""The front (m). It lies as far from Pokrovsk and Myrnohrad as officials quoted from the limits of the towns: 11 km (9
August) and 9 (28 August); 6 (16 August) and 5 (20 August). About 12 km from Kostiantynivka: assumption, no quoted
distance was found. Between and beyond, invented."""
FAR_EAST = [(120_000, 48_000), (120_000, -26_000)]


def main_roads():
    """Return the roads that join the towns and lead out. Two lanes each, one in a direction: assumption."""
    two = {"lanes": "2", "maxspeed": "90"}
    slow = {"lanes": "2", "maxspeed": "50"}
    pokrovsk, myrnohrad, dobropillia, kostiantynivka = TOWNS.values()
    return [
        *polyline([WEST, (-5300, -1300), (-2600, -700)], "primary", name="Road west", **two),
        *polyline([(-2600, -700), (-1000, -200), pokrovsk, (1300, 300), (2600, 800)], "primary", name="E50", **slow),
        *polyline([(2600, 800), (4200, 1500), (4900, 1700)], "primary", name="Myrnohrad road", **two),
        *polyline([(4900, 1700), myrnohrad, (7900, 2900)], "primary", name="Myrnohrad road", **slow),
        *polyline(
            [(7900, 2900), (13_000, 7600), (19_500, 12_600), (27_000, 19_400), (33_000, 23_000), (36_500, 25_900)],
            "primary", name="Kostiantynivka road", **two,
        ),
        *polyline([(36_500, 25_900), kostiantynivka, (42_100, 27_900)], "primary", name="Kostiantynivka road", **slow),
        *polyline([pokrovsk, (-300, 1200), (-500, 2200)], "primary", name="Dobropillia road", **slow),
        *polyline(
            [(-500, 2200), (-1800, 7000), (-2600, 12_000), (-5200, 17_000), (-6300, 19_500)],
            "primary", name="Dobropillia road", **two,
        ),
        *polyline([(-6300, 19_500), dobropillia, (-8260, 21_400)], "primary", name="Dobropillia road", **slow),
        *polyline([(-8260, 21_400), (-11_000, 22_300), NORTH_WEST], "secondary", name="Dobropillia road west", **two),
    ]  # fmt: skip


def outlines():
    """Return (zone, corners in metres): each town, the larger ones in halves."""
    found = []
    for name, (x, y) in TOWNS.items():
        half_x, half_y = (size / 2 for size in SIZE_M[name])
        halves = {f"{name} west": (-half_x, 0), f"{name} east": (0, half_x)}
        for zone, (left, right) in halves.items() if f"{name} west" in RESIDENTS else ((name, (-half_x, half_x)),):
            corners = [(left, -half_y), (right, -half_y), (right, half_y), (left, half_y)]
            found.append((zone, [(x + dx, y + dy) for dx, dy in corners]))
    return found


def region():
    """Return the street graph."""
    chance = random.Random(SEED)
    streets = main_roads()
    for number, (_, outline) in enumerate(outlines()):
        streets += quarter(outline, (320, 260), 7 * number - 12, chance, p_gap=0.12, bend_m=20.0)
    points, pieces = schematic.junctions(streets)
    pieces = schematic.tidy(points, pieces)
    made = {"created_with": "make_pokrovsk_region.py", "schematic": "yes", "note": NOTE}
    return schematic.as_osmnx(points, pieces, CENTRE, EXITS, **made)


def zones():
    """Return the zones with their residents."""
    features = [("Polygon", corners, {"zone": zone, "residents": RESIDENTS[zone]}) for zone, corners in outlines()]
    return schematic.geojson("pokrovsk_region_zones", NOTE, features, CENTRE)


def places():
    """Return the towns and the exits, for maps and for the scenario file."""
    features = [("Point", [at], {"kind": "town", "name": name}) for name, at in TOWNS.items()]
    features += [("Point", [at], {"kind": "exit", "name": name}) for at, name in EXITS.items()]
    return schematic.geojson("pokrovsk_region_places", NOTE, features, CENTRE)


def front():
    """Return the area beyond the front by date."""
    features = [("Polygon", [*line, *FAR_EAST], {"date": day}) for day, line in FRONT.items()]
    return schematic.geojson("pokrovsk_region_front", NOTE, features, CENTRE)


def files():
    """Return {path below scenarios/: content} of everything this script makes."""
    return {
        "networks/pokrovsk_region_schematic.graphml.gz": schematic.graphml(region()),
        "tables/pokrovsk_region_zones.geojson": zones(),
        "tables/pokrovsk_region_places.geojson": places(),
        "tables/pokrovsk_region_front.geojson": front(),
    }


if __name__ == "__main__":
    schematic.save(files(), Path(__file__).parent)
