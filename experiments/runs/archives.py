"""A run as one file: events of single parties as MATSim reads them, and an archive with RO-Crate metadata."""

import io
import json
import zipfile
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from safepassage.experiments.runs.withheld import AGGREGATED, LEAST_CELL, without_small_counts
from safepassage.model.results.run_folder import RunFolder
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import Scenario


def write_matsim_events(run: RunFolder, out: Path) -> str:
    """Write departures and arrivals of parties as MATSim reads events (XML, in order of time)."""
    from xml.sax.saxutils import quoteattr

    nodes = run.frame("exits").set_index("exit")["node"].astype(str)
    events = []
    for row in run.frame("trips").itertuples():
        who, mode = f"party{row.party}", "walk" if str(row.mode).lower() == "walk" else "car"
        events.append((row.departure_time_s, "departure", who, mode, str(row.home_node)))
        if np.isfinite(row.arrival_time_s):
            events.append((row.arrival_time_s, "arrival", who, mode, nodes.get(row.exit, "")))
    text = io.StringIO()
    text.write('<?xml version="1.0" encoding="utf-8"?>\n<events version="1.0">\n')
    for time_s, kind, who, mode, place in sorted(events):
        text.write(f'  <event time="{time_s:.1f}" type="{kind}" person={quoteattr(who)} link={quoteattr(place)} '
                   f'legMode="{mode}"/>\n')  # fmt: skip
    text.write("</events>\n")
    out.write_text(text.getvalue(), encoding="utf-8")
    return f"{out}: {len(events):,} events of {len(run.frame('trips')):,} parties; links are named by their node."


def write_crate(run: RunFolder, out: Path, *, individual: bool) -> str:
    """Write the folder of a run as an archive with RO-Crate 1.1 metadata; return a sentence that says so.

    individual: tables of persons, parties and vehicles too, and small counts; else they stay out, as does whatever the
    run was not asked for. Raises ScenarioError.
    """
    if out.suffix != ".zip":
        raise ScenarioError(f"{out}: an archive ends in .zip; name it so.")
    files = {path.name: path for path in sorted(run.path.iterdir()) if path.suffix in (".parquet", ".png", ".json")}
    if not individual:
        files = {name: path for name, path in files.items() if path.suffix != ".parquet" or path.stem in AGGREGATED}
    content = {name: path.read_bytes() if individual or path.suffix != ".parquet" else _aggregated(run, path.stem)
               for name, path in files.items()}  # fmt: skip
    scenario = Scenario.model_validate(run.manifest["scenario"], context={"folder": run.path, "may_be_gone": True})
    about = {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"},
             "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"}}  # fmt: skip
    root = {"@id": "./", "@type": "Dataset", "name": scenario.title, "description": scenario.notice or scenario.title,
            "datePublished": f"{datetime.fromtimestamp((run.path / 'manifest.json').stat().st_mtime):%Y-%m-%d}",
            "license": LICENCE, "hasPart": [{"@id": name} for name in content]}  # fmt: skip
    parts = [
        {"@id": name, "@type": "File", "contentSize": str(len(each)), "encodingFormat": ENCODINGS[Path(name).suffix]}
        for name, each in content.items()
    ]
    metadata = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": [about, root, *parts]}
    with zipfile.ZipFile(out, "x", zipfile.ZIP_DEFLATED) as archive:
        for name, each in content.items():
            archive.writestr(name, each)
        archive.writestr("ro-crate-metadata.json", json.dumps(metadata, indent=2, ensure_ascii=False))
    left_out = (
        "" if individual else f" Counts of fewer than {LEAST_CELL} people and rows of single people are left out."
    )
    return f"{out}: {len(content)} files of the run, with RO-Crate metadata.{left_out}"


LICENCE = "As whoever ran it decides; streets of OpenStreetMap are under ODbL 1.0 (openstreetmap.org/copyright)."
ENCODINGS = {".parquet": "application/vnd.apache.parquet", ".png": "image/png", ".json": "application/json"}


def _aggregated(run: RunFolder, name: str) -> bytes:
    """Return a table as a Parquet file without its small counts."""
    table = pa.Table.from_pandas(without_small_counts(name, run.frame(name)), preserve_index=False)
    written = io.BytesIO()
    pq.write_table(table, written)
    return written.getvalue()
