"""Whose columns a table of recorded events has: our own, those of ACLED, VIINA or UCDP GED exports, or counts of HDX.

Each layout function turns the file's text into the same few columns: line, from_text (date, or date and time),
n_days (whole days the event may have come in, 0 if from_text tells), place_1 and place_2 (longitude and latitude,
or x_m and y_m), precision, size, n_events (text), identity.
"""

from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from safepassage.model.hazard.counts import columns_of_counts
from safepassage.model.hazard.days import change_of, is_moment, iso, iso_day
from safepassage.model.hazard.impacts import Size
from safepassage.model.inputs.tables import Table, refuse_doubles, same_text
from safepassage.model.settings.base import ScenarioError

UNKNOWN_SIZE = -1
"""The record does not give the size of an event; it is drawn."""


class Precision(IntEnum):
    """How well the place of a recorded event is known."""

    EXACT = 0
    SETTLEMENT = 1
    DISTRICT = 2


PLAIN_COLUMNS = {
    "time": "date, or date and time, ISO 8601; with an offset or local",
    "longitude": "degrees east",
    "latitude": "degrees north",
    "x_m": "m, in the plane of the streets; instead of longitude",
    "y_m": "m, instead of latitude",
    "precision": "exact, settlement or district; empty: exact",
    "size": "S, M or L; empty: drawn",
    "n_events": "events in the report; empty: 1",
    "id": "tells apart rows that are otherwise alike",
    "note": "ignored",
}
"""Every column that a plain table may have; time and two of place are needed."""

OTHER_NAMES = {"date": "time", "datetime": "time", "date_time": "time", "lon": "longitude", "lng": "longitude",
               "lat": "latitude", "longitude_deg": "longitude", "latitude_deg": "latitude", "events": "n_events",
               "notes": "note"}  # fmt: skip
"""What others call columns of a plain table."""

# ACLED codebook: geo_precision 1 town, 2 part of a region, 3 region; time_precision 1 day, 2 week, 3 month.
ACLED_TYPES = ("Shelling/artillery/missile attack", "Air/drone strike")
ACLED_PRECISION = {"1": Precision.SETTLEMENT, "2": Precision.DISTRICT, "3": Precision.DISTRICT}
ACLED_DAYS = {"1": 1, "2": 7, "3": 30}
# VIINA 2 codebook, table of one event per place and day; dates are those of the report.
VIINA_IDS = ("event_id_1pd", "event_id", "viinaid")
"""Columns that tell events apart: of VIINA 2, and of VIINA 1, which has a row for each report."""
VIINA_TYPES = ("t_airstrike_b", "t_artillery_b", "t_uav_b")
VIINA_PRECISION = {"STREET": Precision.EXACT, "PPL": Precision.SETTLEMENT, "ADM3": Precision.DISTRICT}
# UCDP GED codebook: where_prec 1 a known place, whose own coordinates are given, 2 within about 25 km of one,
# 3 district; 4 and above are vaguer.
UCDP_PRECISION = {"1": Precision.SETTLEMENT, "2": Precision.DISTRICT, "3": Precision.DISTRICT}


def common_columns(
    frame: pd.DataFrame, layout: str, path: Path, event_types: tuple[str, ...] | None, report: list[Any]
) -> pd.DataFrame:
    """Return the common columns of a table of text; appends to report what is left out.

    Raises ScenarioError with all wrong cells of the rows that are not left out.

    frame: the file as texts. layout: whose columns the file has. path: the file, which errors name. event_types: kinds
    of events to keep; None: those that are shelling.
    """
    function = {"plain": _plain, "acled": _acled, "viina": _viina, "ucdp": _ucdp, "hdx": _hdx}[layout]
    return function(frame, path, event_types, report)


def _need(frame, columns, path, layout):
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        found = ", ".join(name for name in frame.columns if name != "line")
        raise ScenarioError(
            f"{path}: a table of layout {layout} needs the columns {', '.join(missing)}; found: {found}. "
            "Add them, or choose another layout."
        )


def _table(frame, path):
    return Table(path, frame, rows=frame["line"], row="line")


def _common(table, place, time, **columns):
    """Return the common columns once all cells are right; time: name of the column of from_text in the file."""
    limits = {"longitude": (-180, 180), "latitude": (-90, 90)}
    common = pd.DataFrame({"line": table["line"], **columns})
    common["place_1"] = table.numbers(place[0], *limits.get(place[0], ()))
    common["place_2"] = table.numbers(place[1], *limits.get(place[1], ()))
    _note_wrong_times(table, time, common["from_text"])
    table.check()
    return common.astype({"n_days": int, "precision": int, "size": int, "n_events": str, "identity": str})


def _note_wrong_times(table, name, texts):
    """Note the rows of a column that tell no day nor moment. texts: what they were read as."""
    wrong = np.array([not is_moment(text) for text in texts], bool)
    table.note(name, wrong, change_of(table[name].to_numpy()[wrong][0]) if wrong.any() else "")


def _plain(frame, path, event_types, report):
    frame.columns = [_plain_name(name) for name in frame.columns]
    refuse_doubles(path, list(frame.columns))
    unknown = [name for name in frame.columns if name not in PLAIN_COLUMNS and name != "line"]
    if unknown:
        raise ScenarioError(
            f"{path}: unknown columns {', '.join(unknown)}. Known: {', '.join(PLAIN_COLUMNS)}. "
            "Rename them, or put remarks in note."
        )
    place = ("x_m", "y_m") if "x_m" in frame.columns else ("longitude", "latitude")
    _need(frame, ("time", *place), path, "plain")
    for name in PLAIN_COLUMNS:
        if name not in frame.columns:
            frame[name] = ""
    table = _table(frame, path)
    precision = table.choices("precision", {**Precision.__members__, "": Precision.EXACT})
    size = table.choices("size", {**Size.__members__, "": UNKNOWN_SIZE})
    frame["n_events"] = frame["n_events"].replace("", "1")
    n_events = pd.Series(table.numbers("n_events", 0, 1_000_000, whole=True)).fillna(0).astype(int).astype(str)
    return _common(
        table, place, "time", from_text=frame["time"].map(iso), n_days=0, precision=precision, size=size,
        n_events=n_events.to_numpy(), identity=frame["id"],
    )  # fmt: skip


def _plain_name(name):
    """Return the name of a column of a plain table: in small letters, and as we call it."""
    plain = "_".join(str(name).lower().split())
    return OTHER_NAMES.get(plain, plain)


def _acled(frame, path, event_types, report):
    _need(frame, ("event_id_cnty", "event_date", "time_precision", "sub_event_type", "latitude", "longitude",
                  "geo_precision"), path, "acled")  # fmt: skip
    frame = _of_kinds(frame, "sub_event_type", event_types or ACLED_TYPES, path, report)
    frame = _of_known_precision(frame, "geo_precision", ACLED_PRECISION, report)
    return _common(
        _table(frame, path), ("longitude", "latitude"), "event_date",
        from_text=frame["event_date"].map(iso_day), n_days=_codes(frame["time_precision"]).map(ACLED_DAYS).fillna(30),
        precision=_codes(frame["geo_precision"]).map(ACLED_PRECISION), size=UNKNOWN_SIZE, n_events="",
        identity=frame["event_id_cnty"],
    )  # fmt: skip


def _viina(frame, path, event_types, report):
    types = event_types or tuple(name for name in VIINA_TYPES if name in frame.columns)
    identity = next((name for name in VIINA_IDS if name in frame.columns), VIINA_IDS[0])
    _need(frame, (identity, "date", "longitude", "latitude", "GEO_PRECISION", *(types or VIINA_TYPES)), path, "viina")
    of_type = np.zeros(len(frame), dtype=bool)
    for name in types:
        said = frame[name].str.casefold().replace({"true": "1", "yes": "1", "t": "1"})
        of_type |= pd.to_numeric(said, errors="coerce").fillna(0).to_numpy() > 0
    frame = _of_known_precision(frame[of_type], "GEO_PRECISION", VIINA_PRECISION, report)
    if identity != VIINA_IDS[0]:
        again = frame.assign(date=frame["date"].map(iso_day)).duplicated(["date", "longitude", "latitude"])
        frame = frame[~again]
        report.append(
            f"{path.name}: the rows are single reports, as in VIINA 1. Those of one day and place are taken for one "
            f"event, as VIINA 2 does: {int(again.sum())} of them are left out."
        )
    return _common(
        _table(frame, path), ("longitude", "latitude"), "date",
        from_text=frame["date"].map(iso_day), n_days=1,
        precision=_codes(frame["GEO_PRECISION"]).map(VIINA_PRECISION), size=UNKNOWN_SIZE, n_events="",
        identity=frame[identity],
    )  # fmt: skip


def _ucdp(frame, path, event_types, report):
    _need(frame, ("id", "date_start", "date_end", "where_prec", "latitude", "longitude"), path, "ucdp")
    if event_types:
        _need(frame, ("type_of_violence",), path, "ucdp")
        frame = frame[_codes(frame["type_of_violence"]).isin(_codes(pd.Series(event_types, dtype=str)))]
    frame = _of_known_precision(frame, "where_prec", UCDP_PRECISION, report)
    first, last = (
        pd.to_datetime(frame[name].map(iso_day), format="%Y-%m-%d", errors="coerce")
        for name in ("date_start", "date_end")
    )
    table = _table(frame, path)
    _note_wrong_times(table, "date_end", last.dt.strftime("%Y-%m-%d").fillna(""))
    table.note("date_end", last < first, "it is before date_start; write the start first")
    return _common(
        table, ("longitude", "latitude"), "date_start",
        from_text=first.dt.strftime("%Y-%m-%d").fillna(""), n_days=((last - first).dt.days + 1).fillna(0),
        precision=_codes(frame["where_prec"]).map(UCDP_PRECISION), size=UNKNOWN_SIZE, n_events="", identity=frame["id"],
    )  # fmt: skip


def _of_known_precision(frame, name, known, report):
    vague = ~_codes(frame[name]).isin(list(known))
    if vague.any():
        report.append(f"{int(vague.sum())} events are placed no better than {name} outside {', '.join(known)} "
                      "and are left out.")  # fmt: skip
    return frame[~vague]


def _codes(texts):
    """Return codes as the codebooks write them: 1 where a spreadsheet made 1.0 of it, in capitals."""
    return texts.str.strip().str.upper().str.replace(r"\.0+$", "", regex=True)


def _hdx(frame, path, event_types, report):
    table, columns = columns_of_counts(frame, path, event_types, ACLED_TYPES, report)
    n_events = pd.Series(table.numbers("n_events", 0, 1_000_000, whole=True)).fillna(0).astype(int).astype(str)
    table.check()
    columns |= {"precision": int(Precision.DISTRICT), "size": UNKNOWN_SIZE, "n_events": n_events.to_numpy()}
    return pd.DataFrame({"line": table["line"].to_numpy(), **columns})


def _of_kinds(frame, name, wanted, path, report):
    """Return the rows of the kinds wanted, however spaced and in letters of any case; if there is none, say so."""
    kinds = frame[name].map(_kind)
    kept = kinds.isin([_kind(one) for one in wanted])
    if len(frame) and not kept.any():
        found = ", ".join(frame[name].value_counts().index[:5])
        report.append(
            f"{path.name}: none of {len(frame):,} events is of the kinds {', '.join(wanted)}; there are {found}."
        )
    return frame[kept]


def _kind(text):
    return "".join(same_text(text).casefold().split())
