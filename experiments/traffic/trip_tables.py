"""Streets and trips from other programs' tables: TNTP (traffic assignment problems) and GMNS (links, nodes, trips).

What is read is what `simulate_trips` takes. Neither format says everything that a kinematic wave needs; what is
missing is an argument here, with its unit, and is never guessed.

TNTP: bstabler/TransportationNetworks, README, "Using the data". GMNS: General Modeling Network Specification 0.97,
zephyr-data-specs/GMNS, tables link and node; trips as DTALite's demand.csv (o_zone_id, d_zone_id, volume).
"""

import warnings
from io import StringIO
from os.path import isfile
from pathlib import Path

import numpy as np
import pandas as pd

from safepassage.model.inputs.tables import Table, read_csv, refuse, some_of
from safepassage.model.inputs.text_files import read_text
from safepassage.model.settings.base import ScenarioError

FOOT_M, MILE_M = 0.3048, 1609.344
"""Units of length that networks are given in (m)."""
HOUR_S, MINUTE_S = 3600.0, 60.0
QUANTITIES = ("length", "free_speed", "lanes", "capacity", "volume")
"""Columns of GMNS that must hold numbers, or nothing."""
CAR_USES = r"ALL|ANY|AUTOS?|CARS?|DRIVE|DRIVING|SOV|HOV\d?|VEHICLES?|MOTOR|PASSENGER"
"""Words in allowed_uses that let cars in; GMNS leaves the names of uses to each network."""
ENDS = ("from_node_id", "to_node_id", "o_zone_id", "d_zone_id")
DIRECTED, UNDIRECTED = ("TRUE", "1", "1.0", "T", "YES"), ("FALSE", "0", "0.0", "F", "NO")
TNTP_LINK_COLUMNS = ("init_node", "term_node", "capacity", "length", "free_flow_time")


def read_tntp_links(path, *, length_unit_m, time_unit_s=MINUTE_S, n_lanes=1.0, jam_density_per_m=0.15):
    """Return the links of a `*_net.tntp` file, one row each.

    path: of that file. length_unit_m, time_unit_s: what one unit of the columns length and free_flow_time is; the file
    does not say. n_lanes, jam_density_per_m (vehicles per metre and lane): the format has neither. Capacity is taken as
    vehicles per hour over all lanes.
    """
    names, rows = _tntp_table(path)
    missing = [name for name in TNTP_LINK_COLUMNS if name not in names]
    if missing:
        raise ScenarioError(
            f"{path}: there is no column {missing[0]}; found {', '.join(names)}. Correct the line that starts with ~."
        )
    column = {name: rows[:, i] for i, name in enumerate(names)}
    length_m = column["length"] * length_unit_m
    links = pd.DataFrame(
        {
            "upstream": _whole(column["init_node"], "init_node", path),
            "downstream": _whole(column["term_node"], "term_node", path),
            "length_m": length_m,
            "free_flow_speed_m_s": _ratio(length_m, column["free_flow_time"] * time_unit_s),
            "n_lanes": float(n_lanes),
            "jam_density_per_m": float(jam_density_per_m),
            "flow_capacity_per_s": column["capacity"] / HOUR_S,
        }
    )
    return _checked(links, path, "row")


def read_tntp_trips(path):
    """Return the demand of a `*_trips.tntp` file: origin, destination, volume; cells of zero are left out."""
    origin, found, mistakes = None, [], []
    for number, line in enumerate(_text(path).splitlines(), 1):
        if line.strip().lower().startswith("origin"):
            origin = _numbers(path, number, line.split()[1:2], 1, mistakes)[0]
        elif ":" in line and not line.lstrip().startswith("<"):
            if origin is None:
                raise ScenarioError(f"{path}: line {number} gives trips before any line 'Origin'. Add that line.")
            for cell in filter(str.strip, line.split(";")):
                destination, volume = _numbers(path, number, cell.split(":"), 2, mistakes)
                found.append((origin, destination, volume))
    _refuse_lines(path, mistakes)
    demand = pd.DataFrame(found, columns=["origin", "destination", "volume"], dtype=float)
    for end in ("origin", "destination"):
        demand[end] = _whole(demand[end].to_numpy(), end, path)
    return _positive(demand, path)


def read_tntp_flows(path):
    """Return a `*_flow.tntp` file, the best known user equilibrium: upstream, downstream, volume, cost."""
    lines = [line.split() for line in _text(path).splitlines() if line.strip() and not line.startswith("<")]
    mistakes = []
    first = 0 if lines and _is_numbers(lines[0][:4]) else 1  # a file without a header begins at once
    rows = np.array([_numbers(path, i, line[:4], 4, mistakes) for i, line in enumerate(lines[first:], first + 1)])
    _refuse_lines(path, mistakes)
    if rows.size == 0:
        raise ScenarioError(f"{path}: there is no flow in it. Give a line for each link: from, to, volume, cost.")
    flows = pd.DataFrame(rows, columns=["upstream", "downstream", "volume", "cost"])
    return flows.astype({"upstream": int, "downstream": int})


def read_gmns_links(path, *, length_unit_m, speed_unit_m_s, jam_density_per_m=0.15):
    """Return the links of a GMNS link.csv that cars may use, one row for each direction.

    path: of that file. jam_density_per_m: vehicles per metre and lane; the format has none.
    length_unit_m, speed_unit_m_s: the units that the network's config table names, for example 1609.344 (mile) and
    0.44704 (mile per hour). A link with directed FALSE becomes two, the second
    labelled with " back" after its link_id; capacity is per lane and hour, as GMNS has it.
    Left out are links of no lanes and those whose allowed_uses name no car.
    """
    table = _csv(path, ("link_id", "from_node_id", "to_node_id", "directed", "length", "free_speed", "lanes"))
    if "allowed_uses" in table:
        uses = (
            table["allowed_uses"]
            .astype(str)
            .where(table["allowed_uses"].notna(), "ALL")
            .str.upper()
            .str.replace("_", " ")
        )
        has_cars = uses.str.contains(rf"\b(?:{CAR_USES})\b", regex=True)
        if not has_cars.all():
            others = ", ".join(sorted(set(table["allowed_uses"][~has_cars].astype(str)))[:5])
            told = f"{path}: {int((~has_cars).sum()):,} links are left out, since allowed_uses names no car: {others}."
            warnings.warn(told, stacklevel=2)
        table = table[has_cars]
    table = table[~(table["lanes"] == 0)].reset_index(drop=True)
    both = table[~table["directed"].astype(str).str.strip().str.upper().isin(DIRECTED)]
    back = both.assign(
        from_node_id=both["to_node_id"],
        to_node_id=both["from_node_id"],
        link_id=both["link_id"].astype(str) + " back",
    )
    table = pd.concat([table, back], ignore_index=True)
    n_lanes = table["lanes"].astype(float)
    links = pd.DataFrame(
        {
            "link": table["link_id"],
            "upstream": table["from_node_id"],
            "downstream": table["to_node_id"],
            "length_m": table["length"].astype(float) * length_unit_m,
            "free_flow_speed_m_s": table["free_speed"].astype(float) * speed_unit_m_s,
            "n_lanes": n_lanes,
            "jam_density_per_m": float(jam_density_per_m),
        }
    )
    if "capacity" in table:
        links["flow_capacity_per_s"] = table["capacity"].astype(float) * n_lanes / HOUR_S
    return _checked(links, path, "link", names=table["link_id"])


def read_gmns_trips(path, node_path=None):
    """Return the demand of a demand.csv (o_zone_id, d_zone_id, volume): origin, destination, volume.

    node_path: the network's node.csv; each zone becomes the first node that names it in zone_id. Without it, zones
    are taken to be nodes of the same number.
    """
    table = _csv(path, ("o_zone_id", "d_zone_id", "volume"))
    demand = table.rename(columns={"o_zone_id": "origin", "d_zone_id": "destination"})
    demand = demand[["origin", "destination", "volume"]]
    if node_path is not None:
        nodes = _csv(node_path, ("node_id", "zone_id")).dropna(subset="zone_id").drop_duplicates("zone_id")
        node_of_zone = nodes.set_index("zone_id")["node_id"]
        for end in ("origin", "destination"):
            unknown = ~demand[end].isin(node_of_zone.index)
            if unknown.any():
                zone = demand.loc[unknown, end].iloc[0]
                raise ScenarioError(f"{path}: no node of {node_path} has zone_id = {zone}. Add one or drop the trips.")
            demand[end] = demand[end].map(node_of_zone).astype(nodes["node_id"].dtype)
    return _positive(demand, path)


def spread_trips(demand, *, start_s=0.0, end_s=HOUR_S, share=1.0):
    """Return one row for each vehicle: origin, destination, departure_time_s, sorted by that time.

    demand: origin, destination, volume (vehicles between start_s and end_s). share: how much of it departs. Parts of
    vehicles are carried on to the next row, so the total is right to one vehicle; departures of a row are evenly
    spaced, each in the middle of its share of the time.
    """
    if not (np.isfinite(share) and share >= 0):
        raise ScenarioError(f"spread_trips got share = {share}; it must be a number from 0 on.")
    if not start_s < end_s < np.inf:
        raise ScenarioError(
            f"trips from start_s = {start_s} to end_s = {end_s}: end_s must be the later one, and finite."
        )
    n = np.diff(np.floor(np.concatenate([[0.0], np.cumsum(demand["volume"].to_numpy(float) * share)]) + 1e-9)).astype(
        int
    )
    row = np.repeat(np.arange(n.size), n)
    place = np.arange(row.size) - np.repeat(np.cumsum(n) - n, n)
    trips = pd.DataFrame(
        {
            "origin": demand["origin"].to_numpy()[row],
            "destination": demand["destination"].to_numpy()[row],
            "departure_time_s": start_s + (end_s - start_s) * (place + 0.5) / n[row],
        }
    )
    return trips.sort_values("departure_time_s", kind="stable", ignore_index=True)


def _text(path):
    if not isfile(path):
        raise ScenarioError(f"there is no file {path}. Correct the path.")
    return read_text(path)


def _csv(path, columns):
    text = _text(path)
    if not text.strip():
        raise ScenarioError(f"{path}: the file is empty. Give a table with the columns {', '.join(columns)}.")
    _, lines = read_csv(path)  # refuses lines of another length than the header
    table = pd.read_csv(StringIO(text), sep=None, engine="python", skipinitialspace=True)
    missing = [column for column in columns if column not in table]
    if missing:
        raise ScenarioError(
            f"{path}: there is no column {', '.join(missing)}; found {', '.join(table.columns)}. Add what is missing."
        )
    quantities = Table(Path(path), table, rows=lines, row="line")
    for column in table.columns.intersection(ENDS):
        quantities.note(column, table[column].isna(), "name a node or zone")
    if "directed" in table.columns:
        known = table["directed"].astype(str).str.strip().str.upper().isin(DIRECTED + UNDIRECTED)
        quantities.note("directed", ~known, "write TRUE or FALSE")
    for column in table.columns.intersection(QUANTITIES):
        if not pd.api.types.is_numeric_dtype(table[column]):
            values = pd.to_numeric(table[column], errors="coerce")
            quantities.note(column, values.isna() & table[column].notna(), "give a number")
    quantities.check()
    return table


def _is_numbers(cells):
    try:
        return len([float(cell) for cell in cells]) == 4
    except ValueError:
        return False


def _numbers(path, line_number, cells, n, mistakes):
    """Return the n numbers that cells hold; if they do not, zeros, and what is wrong is appended to mistakes."""
    if len(cells) != n:
        mistakes.append(f"{path}: line {line_number} has {len(cells)} values for {n} columns. Correct the line.")
        return [0.0] * n
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        mistakes.append(f"{path}: line {line_number} has {cells} where numbers must stand. Correct it.")
        return [0.0] * n


def _refuse_lines(path, mistakes):
    refuse(some_of(mistakes, str, f"{path}: {{n}} more lines cannot be read."))


def _tntp_table(path):
    """Return the column names of a TNTP table (the line starting with ~) and its numbers, float64[rows, columns]."""
    names, rows, mistakes = (), [], []
    for number, line in enumerate(_text(path).splitlines(), 1):
        line = line.split(";")[0].strip()
        if line.startswith("~"):
            names = [name.lower() for name in line[1:].split()]
        elif line and not line.startswith("<"):
            rows.append(_numbers(path, number, line.split(), len(names), mistakes))
    _refuse_lines(path, mistakes)
    if not rows:
        raise ScenarioError(f"{path}: no link found. Give a TNTP network file.")
    return names, np.array(rows)


def _whole(values, name, path):
    """Return node numbers as int64, or name the first that is none."""
    bad = np.flatnonzero(~(np.isfinite(values) & (values == np.round(values))))
    if bad.size:
        raise ScenarioError(f"{path}: row {bad[0] + 1} has {name} = {values[bad[0]]:g}; it must be a node's number.")
    return values.astype(np.int64)


def _ratio(length_m, time_s):
    """Return length / time; zero, which the check refuses, where there is no time."""
    return np.divide(length_m, time_s, out=np.zeros_like(length_m), where=time_s != 0)


def _checked(links, path, kind, names=None):
    """Return the links if every quantity is a positive number; otherwise name those that are not."""
    mistakes = []
    for column in links.columns.drop(["link", "upstream", "downstream"], errors="ignore"):
        found = links[column].to_numpy()

        def describe(i, column=column, found=found):
            which = f"{kind} {i + 1 if names is None else names.iloc[i]}"
            ends = f"from {links['upstream'].iloc[i]} to {links['downstream'].iloc[i]}"
            return (
                f"{path}: {which}, {ends}, has {column} = {found[i]}; it must be positive. Correct the link or leave "
                "it out."
            )

        bad = np.flatnonzero(~(np.isfinite(found) & (found > 0)))
        mistakes += some_of(bad, describe, f"{path}: {{n}} more links have such a {column}.")
    refuse(mistakes)
    return links


def _positive(demand, path):
    def describe(i):
        origin, destination, volume = (demand[name].iloc[i] for name in ("origin", "destination", "volume"))
        return f"{path}: from {origin} to {destination} there are {volume} trips; it must be 0 or more. Correct it."

    volume = demand["volume"].to_numpy(float)
    bad = np.flatnonzero(~(np.isfinite(volume) & (volume >= 0)))
    refuse(some_of(bad, describe, f"{path}: {{n}} more pairs have such trips."))
    return demand[demand["volume"] > 0].reset_index(drop=True)
