"""Which ways of OpenStreetMap become streets, and why the others are left out; what its places and buildings are."""

from collections.abc import Mapping

from safepassage.model.streets.classes import STREET_CLASSES
from safepassage.model.streets.columns import CAR_TAGS, FOOT_TAGS, SHUT

Tags = Mapping[str, str]

FERRY, UNBUILT, AREA = "ferries", "abandoned, planned or being built", "squares and other areas"
PRIVATE, NO_ACCESS, NO_CARS = "private", "closed to everybody", "closed to cars"
WALKWAY, MINOR = "walkways (--walkways keeps them)", "service roads and tracks (--walkways keeps them)"
UNBUILT_CLASSES = (
    "abandoned", "bus_stop", "construction", "demolished", "disused", "elevator", "emergency_bay", "escape", "no",
    "planned", "platform", "proposed", "raceway", "razed", "rest_area", "services", "traffic_island", "unsurfaced",
)  # fmt: skip
"""Values of `highway` that no car and no walker uses as a street (OpenStreetMap wiki, "Key:highway")."""
WALK_CLASSES = ("trail", "via_ferrata", "crossing", "ladder", "pathway", "footpath")
"""Values of `highway` that the table of defaults does not have, and that no car uses."""
MINOR_CLASSES = ("service", "track", "bridleway")
KEPT_TAGS = (
    "highway", "name", "ref", "maxspeed", "lanes", "width", "bridge", "tunnel", "junction", "sidewalk", "surface",
    "service", *CAR_TAGS, "foot",
)  # fmt: skip
"""Tags of a way that stay with its streets."""

NO_HOMES = (
    "barn", "bridge", "bunker", "carport", "cathedral", "chapel", "church", "civic", "college", "commercial",
    "construction", "cowshed", "farm_auxiliary", "fire_station", "garage", "garages", "government", "grandstand",
    "greenhouse", "hangar", "hospital", "hotel", "hut", "industrial", "kindergarten", "kiosk", "military", "mosque",
    "office", "parking", "pavilion", "prison", "public", "religious", "retail", "roof", "ruins", "school",
    "service", "shed", "shrine", "silo", "sports_hall", "stable", "stadium", "storage_tank", "sty", "supermarket",
    "synagogue", "temple", "toilets", "train_station", "transformer_tower", "transportation", "university",
    "warehouse", "water_tower", "works",
)  # fmt: skip
"""Values of `building` in which nobody lives. Assumption."""
_PLACES: dict[str, dict[str, tuple[str, ...]]] = {
    "hospital": {"amenity": ("hospital", "clinic"), "healthcare": ("hospital",)},
    "school": {"amenity": ("school", "kindergarten", "college", "university")},
    "station": {"railway": ("station", "halt"), "amenity": ("bus_station",)},
    "fuel": {"amenity": ("fuel",)},
    "police": {"amenity": ("police",)},
    "shelter": {"emergency": ("shelter", "bomb_shelter"), "amenity": ("bomb_shelter",), "building": ("bunker",),
                "military": ("bunker",), "bunker_type": ("bomb_shelter", "personnel_shelter"),
                "shelter_type": ("bomb_shelter", "civil_protection", "emergency")},
}  # fmt: skip
"""Tags of what matters in an evacuation. A plain `amenity=shelter` is a roof at a bus stop and is not taken."""
PLACE_KEYS = tuple(dict.fromkeys(key for tags in _PLACES.values() for key in tags))


def left_out_because(tags: Tags, *, with_walkways: bool) -> str | None:
    """Return why a way is no street of a network; None: it is one.

    with_walkways: paths, steps, service roads and tracks are kept too; else what OSMnx keeps as its network "drive".
    """
    highway = tags.get("highway", "")
    if "ferry" in (highway, tags.get("route")) or tags.get("ferry", "no") != "no":
        return FERRY
    if highway in UNBUILT_CLASSES or any(tags.get(key) == "yes" for key in ("abandoned", "disused", "razed")):
        return UNBUILT
    if tags.get("area") == "yes":
        return AREA
    for_cars, on_foot = (_first(tags, order) for order in (CAR_TAGS, FOOT_TAGS))
    if for_cars in SHUT and on_foot in SHUT:
        return PRIVATE if "private" in (for_cars, on_foot) else NO_ACCESS
    if with_walkways:
        return None
    if highway in MINOR_CLASSES:
        return MINOR
    known = STREET_CLASSES.get(highway)
    if highway in WALK_CLASSES or (known is not None and not known.drivable):
        return WALKWAY
    return NO_CARS if for_cars in SHUT else None


def _first(tags: Tags, order: tuple[str, ...]) -> str | None:
    return next((tags[key] for key in order if key in tags), None)


def direction(tags: Tags) -> int:
    """Return 1 for a way that cars use as it is drawn, -1 against that, 0 both ways."""
    said = tags.get("oneway", "")
    if said in ("-1", "reverse"):
        return -1
    if said in ("yes", "true", "1"):
        return 1
    implied = tags.get("junction") in ("roundabout", "circular") or tags.get("highway") == "motorway"
    return 1 if implied and said != "no" else 0


def place_kind(tags: Tags) -> str | None:
    """Return what a place is to an evacuation (hospital, school, ...); None: nothing."""
    for kind, wanted in _PLACES.items():
        if any(tags.get(key) in values for key, values in wanted.items()):
            return kind
    return None
