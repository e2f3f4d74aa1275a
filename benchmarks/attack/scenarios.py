"""Scenarios with wrong keys, values and YAML; a scenario that can be read is built and run for a moment."""

import random
from pathlib import Path

import yaml

from benchmarks.attack import mutate
from benchmarks.attack.loop import Attack
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.files.keys import keys
from safepassage.model.settings.scenario import load, shipped

SHORT = {"run.duration_h": 0.05, "run.step_s": 60}


class Scenarios(Attack):
    """One to three keys of tiny_town are given other values, or its text is changed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.text = shipped()["tiny_town"].read_text(encoding="utf-8")
        self.text = self.text.replace("networks/", f"{shipped()['tiny_town'].parent}/networks/")
        self.text = self.text.replace("tables/", f"{shipped()['tiny_town'].parent}/tables/")
        self.keys = [key for key in keys() if key.name not in ("name", "title")]

    def trial(self, chance: random.Random, folder: Path) -> None:
        path = folder / "town.yaml"
        if chance.random() < 0.4:
            path.write_text(mutate.text(chance, self.text), encoding="utf-8")
            load(path)
            return
        path.write_text(self.text, encoding="utf-8")
        changes = {}
        for key in chance.sample(self.keys, chance.randint(1, 3)):
            example = yaml.safe_load(key.example)
            kept = chance.random() < 0.3
            changes[key.name.replace("*", "0")] = example if kept else mutate.value(chance, example)
        scenario = load(path, changes)
        if scenario.run.duration_h > 0.05 and "run.step_s" not in changes:
            scenario = scenario.override(SHORT)
        if chance.random() < 0.5:
            EvacuationModel(scenario).run()
