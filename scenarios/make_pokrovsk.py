"""Makes the schematic Pokrovsk: a town drawn by code from published facts, not the real street map.

Run `python scenarios/make_pokrovsk.py`. It writes networks/pokrovsk_schematic.graphml.gz, tables/pokrovsk_zones.geojson
and tables/pokrovsk_places.geojson beside itself, always the same bytes.

Published: extent of about 7 by 6 km; a railway through the town; two overpasses over it, both lost in September 2024;
roads to Dnipro and Pavlohrad (west), Dobropillia (north), Myrnohrad and Kostiantynivka (north-east) and Selydove
(south); 48,000 residents on 9 August 2024. Invented: every street, the outlines and shares of the districts, the one
level crossing that remains.
"""

import random
from pathlib import Path

from safepassage.scenarios import schematic
from safepassage.scenarios.schematic import polyline, quarter, smooth

CENTRE = (37.175, 48.282)
NOTE = (
    "SCHEMATIC: a town drawn by scenarios/make_pokrovsk.py from published facts about Pokrovsk (extent, railway, two "
    "overpasses, four roads out). Streets, districts and their shares are invented. Not the real street map."
)
SEED = 2024
RESIDENTS = 48_600
"""City, 1 August 2024. Officials named 48,000 on 9 August (svoi.city 380188); about 500 a month left before (lb.ua
31530) and more in the first week of August. Assumption: 600 left from 1 to 9 August."""

RAILWAY = smooth([(-4300, 1550), (-2300, 520), (-900, -100), (600, -520), (2200, -1300), (4300, -2350)])
WEST_OVERPASS = "Zakhysnykiv Ukrainy Street overpass"
EAST_OVERPASS = "Skhidnyi overpass"
LEVEL_CROSSING = "Level crossing (assumed)"
STATION = (-1650, 420)
EXITS = {
    (-3900, -950): "Dnipro and Pavlohrad road (E50)",
    (-900, 3300): "Dobropillia road",
    (3900, 1500): "Myrnohrad and Kostiantynivka road",
    (900, -3500): "Selydove road",
}
ZONES = [
    ("Centre", 0.20, [(-750, 230), (950, 0), (950, 1300), (-750, 1250)]),
    ("Station quarter", 0.07, [(-2600, 800), (-750, 130), (-750, 1250), (-2600, 1700)]),
    ("North quarter", 0.13, [(-2000, 1500), (-750, 1250), (950, 1300), (950, 2700), (-2000, 2700)]),
    ("East flats", 0.20, [(950, -350), (2700, -1150), (2700, 1300), (950, 1300)]),
    ("North-east houses", 0.07, [(950, 1300), (2900, 1300), (2900, 2500), (950, 2500)]),
    ("West quarter", 0.10, [(-3300, -1500), (-1100, -1500), (-1100, -160), (-3300, 750)]),
    ("South quarter", 0.12, [(-1100, -2400), (1200, -2400), (1200, -1000), (-1100, -200)]),
    ("South-east houses", 0.11, [(1200, -2700), (3000, -2700), (3000, -1850), (1200, -1000)]),
]


def main_roads():
    """Return the streets of the roads out and the crossings of the railway."""
    e50 = {"name": "E50", "lanes": "2", "maxspeed": "60"}
    return [
        *polyline([(-3900, -950), (-2700, -780), (-1700, -700), (-1180, -480)], "primary", **e50),
        *polyline([(-1180, -480), (-690, 190)], "primary", name=WEST_OVERPASS, lanes="2", maxspeed="50", bridge="yes"),
        *polyline([(-690, 190), (-300, 520), (420, 680), (1420, 860), (2650, 1080), (3900, 1500)], "primary", **e50),
        *polyline(
            [(-300, 520), (-480, 1300), (-700, 2250), (-900, 3300)], "primary", name="Dobropillia road", lanes="2"
        ),
        *polyline([(1420, 860), (1450, 150), (1500, -600)], "primary", name="Shkilna Street", lanes="2"),
        *polyline([(1500, -600), (1400, -1260)], "primary", name=EAST_OVERPASS, lanes="2", bridge="yes"),
        *polyline(
            [(1400, -1260), (1300, -1700), (1120, -2400), (900, -3500)], "primary", name="Selydove road", lanes="2"
        ),
        *polyline(
            [(-1700, -700), (-600, -1150), (250, -1480), (1300, -1700), (2900, -2250)], "secondary", name="South road"
        ),
        *polyline([(230, 640), (280, 60), (330, -250)], "tertiary", name="Tsentralna Street"),
        *polyline([(330, -250), (250, -640)], "tertiary", name=LEVEL_CROSSING, maxspeed="20", lanes="2"),
        *polyline([(250, -640), (120, -1100), (60, -1420)], "tertiary", name="Tsentralna Street"),
        *polyline([(-2600, 1250), (-1650, 830), (-690, 700), (-300, 520)], "secondary", name="Vokzalna Street"),
        *polyline([(-1900, 2000), (-620, 1900), (900, 1950), (2700, 1900)], "tertiary", name="Pivnichna Street"),
        *polyline([(-1650, 830), (-1650, 450)], "tertiary", name="Station Square"),
    ]


def town():
    """Return the street graph."""
    chance = random.Random(SEED)
    blocks = {
        "Centre": ((120, 130), 8, 0.10),
        "Station quarter": ((130, 110), -20, 0.16),
        "North quarter": ((150, 95), 5, 0.14),
        "East flats": ((170, 160), 12, 0.18),
        "North-east houses": ((150, 90), -8, 0.14),
        "West quarter": ((150, 100), 14, 0.16),
        "South quarter": ((140, 100), -18, 0.15),
        "South-east houses": ((150, 95), -16, 0.15),
    }

    def tags(chance):
        return {"maxspeed": "40"} if chance.random() < 0.2 else {}

    streets = main_roads()
    for name, _, outline in ZONES:
        size, turn, gap = blocks[name]
        streets += quarter(outline, size, turn, chance, p_gap=gap, bend_m=25.0, tags=tags)
    crossings = {WEST_OVERPASS, EAST_OVERPASS, LEVEL_CROSSING}
    kept = [s for s in streets if s.tags.get("name") in crossings or not schematic.crosses(s.start, s.end, RAILWAY)]
    clear = [
        s
        for s in kept
        if s.tags.get("name") or min(schematic.distance_to_line(p, RAILWAY) for p in (s.start, s.end)) > 60
    ]
    points, pieces = schematic.junctions(clear)
    pieces = schematic.tidy(points, pieces)
    return schematic.as_osmnx(
        points, pieces, CENTRE, EXITS, created_with="make_pokrovsk.py", schematic="yes", note=NOTE
    )


def zones():
    """Return the districts with their residents, which add up to RESIDENTS."""
    counts = [round(share * RESIDENTS) for _, share, _ in ZONES]
    counts[0] += RESIDENTS - sum(counts)
    features = [
        ("Polygon", outline, {"zone": name, "residents": n})
        for (name, _, outline), n in zip(ZONES, counts, strict=True)
    ]
    return schematic.geojson("pokrovsk_zones", NOTE, features, CENTRE)


def places():
    """Return the railway, the station and the exits, for maps and for the scenario file."""
    features = [("LineString", RAILWAY, {"kind": "railway", "name": "Railway"})]
    features.append(("Point", [STATION], {"kind": "station", "name": "Railway station"}))
    features += [("Point", [at], {"kind": "exit", "name": name}) for at, name in EXITS.items()]
    return schematic.geojson("pokrovsk_places", NOTE, features, CENTRE)


def files():
    """Return {path below scenarios/: content} of everything this script makes."""
    return {
        "networks/pokrovsk_schematic.graphml.gz": schematic.graphml(town()),
        "tables/pokrovsk_zones.geojson": zones(),
        "tables/pokrovsk_places.geojson": places(),
    }


if __name__ == "__main__":
    schematic.save(files(), Path(__file__).parent)
