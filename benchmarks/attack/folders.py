"""Folders of finished runs and studies, damaged or changed by hand, read by everything that reads them."""

import json
import os
import random
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.attack import mutate
from benchmarks.attack.loop import Attack
from safepassage.experiments.reports.report import page_of, render
from safepassage.experiments.runs.kept_runs import InThisProcess
from safepassage.experiments.sweeps.study import study_of
from safepassage.experiments.sweeps.study_folder import open_study
from safepassage.experiments.sweeps.sweep import run_sweep
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.columns import digest
from safepassage.model.results.metrics import by_group, fairness, summary
from safepassage.model.results.run_folder import open_run
from safepassage.model.story import scenario_of, tell

STUDY = {
    "name": "short",
    "scenario": "tiny_town",
    "overrides": {"run.duration_h": 0.02, "run.step_s": 60},
    "factors": {"harm.casualty_scale": {"list": [1.0, 4.0]}},
    "replications": 2,
}


def damage(chance: random.Random, folder: Path) -> None:
    """Change, lose, swap or link a few of the files of a folder."""
    for _ in range(chance.randint(1, 3)):
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        if not files:
            return
        path, what = chance.choice(files), chance.randrange(8)
        if path.suffix == ".json" and what < 6:
            whole = json.loads(path.read_bytes())
            path.write_text(json.dumps(mutate.nested(chance, whole) if what < 4 else chance.choice(mutate.NASTY)))
        elif what < 5:
            path.write_bytes(mutate.content(chance, path.read_bytes()))
        elif what == 5:
            path.unlink()
        elif what == 6:
            path.write_bytes(chance.choice(files).read_bytes())
        else:
            path.unlink()
            os.symlink(chance.choice(("/dev/null", "nowhere", "..", str(files[0]))), path)
        if path.suffix == ".json" and path.is_file() and not path.is_symlink():
            try:
                json.loads(path.read_bytes())
            except ValueError:
                return


def edit(chance: random.Random, folder: Path) -> None:
    """Change a column of a table and its digest, as somebody would who wants to deceive."""
    path = chance.choice(sorted(folder.glob("*.parquet")))
    table = pq.read_table(path)
    k = chance.randrange(table.num_columns)
    field, what = table.schema.field(k), chance.randrange(5)
    if what == 0:
        table = table.remove_column(k)
    elif what == 1:
        table = table.slice(0, chance.choice((0, 1, table.num_rows // 2)))
    else:
        value = mutate.value(chance)
        try:
            column = pa.array([value] * table.num_rows, field.type if what < 4 else None)
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            column = pa.nulls(table.num_rows, field.type)
        table = table.set_column(k, pa.field(field.name, column.type, metadata=field.metadata), column)
    try:
        pq.write_table(table, path)
    except pa.ArrowException:  # no Parquet file can hold it
        path.write_bytes(b"")
        return
    manifest = folder / "manifest.json"
    if manifest.is_file():
        whole = json.loads(manifest.read_bytes())
        whole["digests"][path.stem] = digest(pq.read_table(path))
        manifest.write_text(json.dumps(whole))


class RunFolders(Attack):
    """The folder of a run is damaged; its measures, report and story are asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        model = EvacuationModel("tiny_town", **{"run.duration_h": 0.1, "run.record_positions_every_s": 120}).run()
        self.run = model.save(folder)

    def trial(self, chance: random.Random, folder: Path) -> None:
        received = folder / "run"
        shutil.copytree(self.run, received)
        (edit if chance.random() < 0.5 else damage)(chance, received)
        run = open_run(received)
        summary(run), fairness(run), by_group(run)
        for table in sorted(received.glob("*.parquet")):
            run.frame(table.stem)
            run.units(table.stem)
        scenario_of(run)
        if chance.random() < 0.2:
            render(page_of(received))
            tell(run, 3)


class StudyFolders(Attack):
    """The folder of a sweep is damaged; it is read, and the sweep is repeated."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.study = study_of(STUDY)
        with InThisProcess() as executor:
            run_sweep(self.study, folder / "out", executor)

    def trial(self, chance: random.Random, folder: Path) -> None:
        received = folder / "study"
        shutil.copytree(self.folder / "out", received)
        (edit if chance.random() < 0.5 else damage)(chance, received)
        found = open_study(received)
        found.frame(), found.units(), found.design(), found.timings(), found.failures()
        if chance.random() < 0.2:
            with InThisProcess() as executor:
                run_sweep(self.study, received, executor)
