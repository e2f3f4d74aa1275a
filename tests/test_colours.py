"""One colour for each meaning, told apart by the colour-blind too."""

import itertools
import re

import numpy as np
import pytest

from safepassage.agents.civilians import Injury, Protection, Status
from safepassage.app.map import COLOURS, style
from safepassage.app.scenes.scene import KIND_COLOURS, Kind
from safepassage.model.pictures.palette import colour_of, in_order

SEEN_AS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""Linear RGB as it is seen: Machado, Oliveira and Fernandes (2009), severity 1."""
CLEAR = 10.0
"""CIEDE2000 between colours told apart at a glance; 2.3 is just noticeable side by side (Mahy et al. 1994)."""
MAP = "#FBFBF8"
GROUPS = {
    "parties on the map": [*KIND_COLOURS.values(), MAP],
    "statuses": [colour_of(status) for status in in_order(Status)],
    "injuries and what is expected": [*(colour_of(one) for one in in_order(Injury)), COLOURS["expected"]],
    "places": [colour_of(place) for place in in_order(Protection)],
}
"""Colours that stand beside each other and differ in nothing else."""
MEANINGS = {
    "out, exit": [colour_of(Status.SAFE), COLOURS["exit"]],
    "in a shelter, shelter": [colour_of(Status.SHELTERING), COLOURS["shelter"], colour_of(Protection.SHELTER)],
    "buses, their stops, armoured vehicles": [KIND_COLOURS[Kind.BUS], COLOURS["stop"], colour_of(Protection.ARMOURED)],
    "cars": [KIND_COLOURS[Kind.CAR], colour_of(Protection.VEHICLE)],
    "on foot, outdoors": [KIND_COLOURS[Kind.WALK], colour_of(Protection.OUTDOORS)],
    "cut off": [KIND_COLOURS[Kind.CUT_OFF], colour_of(Status.STRANDED)],
    "killed": [colour_of(Status.DEAD), colour_of(Injury.FATAL)],
    "seriously injured, injured": [colour_of(Injury.SERIOUS), COLOURS["injured"]],
    "on the way": [colour_of(Status.TRAVELLING)],
    "waiting": [colour_of(Status.WAITING)],
    "preparing": [colour_of(Status.PREPARING)],
    "at home": [colour_of(Status.HOME)],
    "standing cars": [KIND_COLOURS[Kind.CAR_STANDING]],
    "lightly injured": [colour_of(Injury.LIGHT)],
    "expected": [COLOURS["expected"]],
    "impact": [COLOURS["impact"]],
    "front": [COLOURS["front"]],
    "what was picked": [COLOURS["mark"]],
}


def lab(colour, seen_as):
    """Return L, a, b (D65) of a colour as it is seen."""
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = to_xyz @ np.clip(np.array(seen_as) @ linear, 0, 1) / [0.95047, 1.0, 1.08883]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(one, other):
    """Return CIEDE2000 of two colours in L, a, b (Sharma, Wu and Dalal 2005)."""
    mean_c = (np.hypot(*one[1:]) + np.hypot(*other[1:])) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7))
    (l1, a1, b1), (l2, a2, b2) = (np.array(c) * [1, stretch, 1] for c in (one, other))
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    grey = c1 * c2 == 0
    turn = 0.0 if grey else (h2 - h1 + 180) % 360 - 180
    d_l, d_c, d_h = l2 - l1, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    hue = h1 + h2 if grey else (h1 + turn / 2) % 360
    bright, strong = (l1 + l2) / 2, (c1 + c2) / 2
    cos = [np.cos(np.radians(k * hue - shift)) for k, shift in ((1, 30), (2, 0), (3, -6), (4, 63))]
    t = 1 - 0.17 * cos[0] + 0.24 * cos[1] + 0.32 * cos[2] - 0.20 * cos[3]
    s_l = 1 + 0.015 * (bright - 50) ** 2 / np.sqrt(20 + (bright - 50) ** 2)
    s_c, s_h = 1 + 0.045 * strong, 1 + 0.015 * strong * t
    tilt = np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2)))
    r_t = -np.sin(tilt) * 2 * np.sqrt(strong**7 / (strong**7 + 25.0**7))
    return np.sqrt((d_l / s_l) ** 2 + (d_c / s_c) ** 2 + (d_h / s_h) ** 2 + r_t * d_c / s_c * d_h / s_h)


@pytest.mark.parametrize(
    ("one", "other", "is_known"),
    [((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425), ((50, 2.5, 0), (73, 25, -18), 27.1492),
     ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373)],
)  # fmt: skip
def test_differences_of_colours_are_those_of_the_published_pairs(one, other, is_known):
    assert difference(np.array(one), np.array(other)) == pytest.approx(is_known, abs=1e-4)


@pytest.mark.parametrize("seen_as", SEEN_AS)
@pytest.mark.parametrize("group", GROUPS)
def test_colours_that_stand_beside_each_other_are_told_apart(group, seen_as):
    shades = {colour: lab(colour, SEEN_AS[seen_as]) for colour in GROUPS[group]}
    assert len(shades) == len(GROUPS[group])
    near = {(a, b): difference(shades[a], shades[b]) for a, b in itertools.combinations(shades, 2)}
    assert min(near.values()) >= CLEAR, min(near.items(), key=lambda pair: pair[1])


def test_one_meaning_has_one_colour_and_no_colour_two_meanings():
    of = {meaning: {colour.upper() for colour in colours} for meaning, colours in MEANINGS.items()}
    assert [meaning for meaning, colours in of.items() if len(colours) > 1] == []
    shades = [next(iter(colours)) for colours in of.values()]
    assert len(set(shades)) == len(shades)
    for a, b in itertools.combinations(shades, 2):
        assert difference(lab(a, np.eye(3)), lab(b, np.eye(3))) > 5, (a, b)


def test_the_legend_takes_its_colours_from_the_same_table():
    sheet = style()
    assert set(re.findall(r"var\(--c-(\w+)\)", sheet)) <= set(COLOURS)
    for name in ("exit", "shelter", "stop", "impact", "front"):
        assert f"var(--c-{name})" in sheet
