"""One small world twice: with plain Mesa agents, and with agents that are rows. Importable by spawned workers."""

from enum import IntEnum

import numpy as np
from mesa import Agent, DataCollector, Model

from safepassage.agents.rows.columns import column
from safepassage.agents.rows.rows import RowAgent, RowModel


class Mood(IntEnum):
    CALM = 0
    WORRIED = 1
    AFRAID = 4


class Doings:
    """What a person does, whatever holds the state."""

    def grow(self, years=1.0):
        self.age = self.age + years
        self.mood = Mood.WORRIED if self.age > 40 else self.mood

    def leave_if_old(self, limit):
        if self.age > limit:
            self.remove()

    def push_out_next(self):
        for other in [a for a in self.model.agents_by_type[type(self)] if a.unique_id == self.unique_id + 1]:
            other.remove()
        self.model.log.append(self.unique_id)

    def draw(self):
        self.model.log.append((self.unique_id, self.random.random()))
        return self.age


class PlainPerson(Doings, Agent):
    def __init__(self, model, age=0.0, group=0, mood=Mood.CALM, hurt=False):
        super().__init__(model)
        self.age, self.group, self.mood, self.hurt = age, group, Mood(mood), hurt


class RowPerson(Doings, RowAgent):
    age = column(np.float64)
    group = column(np.int8)
    mood = column(np.int8, Mood)
    hurt = column(np.bool_)


class Shelter(Agent):
    def __init__(self, model, group=9):
        super().__init__(model)
        self.group = group
        self.age = -1.0


def n_afraid(model):
    return len(model.agents_by_type[model.person].select(lambda a: a.mood == Mood.AFRAID))


class _World:
    def populate(self, n, with_shelters=True):
        self.log = []
        numbers = np.random.default_rng(5)
        self.values = {
            "age": numbers.integers(0, 90, n).astype(float).tolist(),
            "group": numbers.integers(0, 4, n).tolist(),
            "mood": [list(Mood)[k] for k in numbers.integers(0, 3, n)],
            "hurt": (numbers.random(n) < 0.2).tolist(),
        }
        half = n // 2
        self.person.create_agents(self, half, **{k: v[:half] for k, v in self.values.items()})
        if with_shelters:
            Shelter.create_agents(self, 3)
        self.person.create_agents(self, n - half, **{k: v[half:] for k, v in self.values.items()})

    def step(self):
        self.agents_by_type[self.person].shuffle_do("grow")
        self.agents_by_type[self.person].do("leave_if_old", 85)
        self.datacollector.collect(self)


class PlainWorld(_World, Model):
    person = PlainPerson

    def __init__(self, n=30, rng=None):
        super().__init__(rng=rng)
        self.populate(n)
        self.datacollector = collector(self.person)


class RowsWorld(_World, RowModel):
    person = RowPerson

    def __init__(self, n=30, rng=None):
        super().__init__(rng=rng)
        self.populate(n)
        self.datacollector = collector(self.person)


def collector(person):
    return DataCollector(
        model_reporters={"n_afraid": n_afraid},
        agent_reporters={"age": "age", "group": "group"},
        agenttype_reporters={person: {"mood": "mood", "hurt": "hurt"}},
    )


class CountingWorld(RowsWorld):
    """A world without per-type reporters and local functions, which a worker or a pickle can carry."""

    def __init__(self, n=30, rng=None):
        super().__init__(n=n, rng=rng)
        self.datacollector = DataCollector(model_reporters={"n": len_agents}, agent_reporters={"age": age_of})


class CountingPlainWorld(PlainWorld):
    def __init__(self, n=30, rng=None):
        super().__init__(n=n, rng=rng)
        self.datacollector = DataCollector(model_reporters={"n": len_agents}, agent_reporters={"age": age_of})


def len_agents(model):
    return len(model.agents)


def age_of(agent):
    return agent.age
