"""Scenarios with wrong keys, values and YAML; a scenario that can be read is built and run for a moment."""

import random
from pathlib import Path

import yaml

from benchmarks.attack import mutate
from benchmarks.attack.loop import Attack
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.files.keys import keys
from safepassage.model.settings.scenario import load, shipped

BUSY = Path(__file__).with_name("busy_town.yaml")
"""tiny_town with one of everything that a scenario may say."""
SHORT = {"run.duration_h": 0.1, "run.step_s": 60}


class Scenarios(Attack):
    """One to three keys of tiny_town, or of a town with everything, are given other values, or its text is changed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        within = shipped()["tiny_town"].parent
        self.texts = []
        for path in (shipped()["tiny_town"], BUSY):
            text = path.read_text(encoding="utf-8")
            self.texts.append(text.replace("networks/", f"{within}/networks/").replace("tables/", f"{within}/tables/"))
        self.keys = [key for key in keys() if key.name not in ("name", "title")]

    def trial(self, chance: random.Random, folder: Path) -> None:
        path, of = folder / "town.yaml", chance.choices(self.texts, (1, 2))[0]
        if chance.random() < 0.4:
            path.write_text(mutate.text(chance, of), encoding="utf-8")
            load(path)
            return
        path.write_text(of, encoding="utf-8")
        changes = {}
        for key in chance.sample(self.keys, chance.choice((1, 1, 2, 3))):
            example = yaml.safe_load(key.example)
            kept = chance.random() < 0.3
            changes[key.name.replace("*", "0")] = example if kept else mutate.value(chance, example)
        scenario = load(path, changes)
        if scenario.run.duration_h > 0.1 and "run.step_s" not in changes:
            scenario = scenario.override(SHORT)
        if chance.random() < 0.5:
            EvacuationModel(scenario).run()
