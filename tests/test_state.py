"""States: saved at any moment, gone on with bit for bit, branched; nothing is forgotten, what cannot be is refused."""

import json
import sys

import numba
import numpy as np
import pytest
from service_towns import digests
from test_road_fire import DRONES

from safepassage.cli import main as cli
from safepassage.cli.printed import PlainConsole
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import load
from safepassage.model.state import state_file
from safepassage.model.state.graph import FIXED, Written, attributes, is_fixed

FIERCE = {"shelling.sources.0.events_per_day": 3000, "harm.casualty_scale": 3.0}
HELP = {
    "services.ambulances.n": 3,
    "services.ambulances.base": {"latitude_deg": 45.0, "longitude_deg": -33.0},
    "services.pickup_points": [{"name": "Middle", "latitude_deg": 45.0, "longitude_deg": -33.0}],
    "services.fleets": [{"name": "Bus", "n_vehicles": 2, "seats": 30, "hub_time_s": 600}],
}
CLOSED = {
    "closures.exits": [{"name": "North road", "from_h": 0.5, "until_h": 2.5}],
    "closures.streets": [{"name": "River Street", "from_h": 1.0}],
    "closures.contraflow": [{"name": "Main Street", "from_h": 0.5, "until_h": 2.5}],
}
SHELTER = {
    "alerts.warning_s": 120.0,
    "shelters.places": [{"name": "Cellar", "latitude_deg": 45.0, "longitude_deg": -33.0, "capacity": 200}],
}
CASES = {
    "tiny_town": ("tiny_town", {}, (0.4, 1.5, 3.0)),
    "drones": ("tiny_town", {**DRONES, "run.duration_h": 3}, (1.0, 2.0)),
    "ambulances and buses under fire": ("tiny_town", {**FIERCE, **HELP}, (0.8, 2.2)),
    "closures": ("tiny_town", {key: entry for key, entry in CLOSED.items() if key != "closures.streets"}, (0.7, 2.7)),
    "shelters": ("tiny_town", {**FIERCE, **SHELTER, "run.duration_h": 3}, (1.5,)),
    "coquimbo": ("coquimbo", {"run.duration_h": 0.5}, (0.25,)),
    "pokrovsk": ("pokrovsk", {"run.duration_h": 120}, (30.0, 76.5)),
}


def _parts(model):
    """Return (nodes, arrays as bytes) of all that can be reached from a model, but the seconds that it took."""
    written = Written(model)
    took = ("build", "run")
    nodes = [
        {"dict": [one for one in node["dict"] if one[0] not in took]} if "dict" in node else node
        for node in written.nodes
    ]
    return nodes, {name: (array.dtype, array.shape, array.tobytes()) for name, array in written.arrays.items()}


@pytest.mark.parametrize("case", CASES)
def test_going_on_gives_the_bits_of_a_run_that_was_not_interrupted(case, tmp_path):
    name, changes, moments_h = CASES[case]
    model, kept = EvacuationModel(name, rng=3, **changes), []
    for hours in moments_h:
        while model.time_s < hours * 3600:
            model.step()
        kept.append((model.save_state(tmp_path / f"{len(kept)}.npz"), model.time_s, _parts(model)))
    whole = digests(model.run())
    for path, time_s, parts in kept:
        again = EvacuationModel.from_state(path)
        assert again.time_s == time_s
        nodes, arrays = _parts(again)
        assert nodes == parts[0]
        assert [name for name, array in arrays.items() if array != parts[1][name]] == []
        assert digests(again.run()) == whole


def test_a_state_holds_its_own_arrays(tmp_path):
    model = EvacuationModel("tiny_town", rng=1)
    while model.time_s < 3600:
        model.step()
    path = model.save_state(tmp_path / "state.npz")
    one, other = (EvacuationModel.from_state(path) for _ in range(2))
    one.run()
    assert digests(other.run()) == digests(one) == digests(model.run())


def test_no_run_changes_what_a_state_leaves_out():
    model = EvacuationModel("tiny_town", rng=3, **FIERCE, **HELP)

    def fixed():
        kept = [value for value in Written(model)._values if is_fixed(value)]
        assert len({type(value) for value in kept}) >= len(FIXED) - 3
        return [
            (name, part.tobytes()) for value in kept for name, part in attributes(value).items()
            if isinstance(part, np.ndarray) and part.dtype != object
        ]  # fmt: skip

    before = fixed()
    model.run()
    assert fixed() == before


def _plan(folder, **levers):
    path = folder / "later.yaml"
    path.write_text(json.dumps({"name": "later", "title": "Later", **levers}))
    return path


@pytest.mark.parametrize(
    "levers",
    [
        {"orders": [{"issued_h": 0.25, "compliance": 0.8}, {"issued_h": 2.0, "compliance": 1.0}]},
        {
            "closures": {
                "exits": [{"name": "North road", "from_h": 2.5, "until_h": 3.5}],
                "contraflow": [{"name": "Main Street", "from_h": 2.0}],
            }
        },
    ],
)
def test_another_plan_from_now_on_gives_the_bits_of_that_plan_from_the_start(levers, tmp_path):
    plan = _plan(tmp_path, **levers)
    model = EvacuationModel("tiny_town", rng=5)
    while model.time_s < 1.5 * 3600:
        model.step()
    branch = EvacuationModel.from_state(model.save_state(tmp_path / "state.npz"), plan=plan).run()
    whole = EvacuationModel(load("tiny_town", plan=plan), rng=5).run()
    assert digests(branch) == digests(whole) != digests(model.run())


def test_another_curfew_from_some_later_day_on_holds_people_as_if_it_had_been_known_from_the_start(tmp_path):
    plan = _plan(
        tmp_path, curfew={"windows": [{"first_day": "2024-08-04", "from_time": "05:00", "until_time": "04:00"}]}
    )
    quiet = {"run.duration_h": 84, "shelling.sources": [], "orders": [{"issued_h": 70, "compliance": 0.9}]}
    model = EvacuationModel(load("tiny_town", quiet), rng=5)
    while model.time_s < 1.5 * 3600:
        model.step()
    branch = EvacuationModel.from_state(model.save_state(tmp_path / "state.npz"), plan=plan).run()
    whole = EvacuationModel(load("tiny_town", quiet, plan=plan), rng=5).run()
    assert digests(branch) == digests(whole) != digests(model.run())


@pytest.mark.parametrize(
    ("levers", "key"),
    [
        ({"orders": [{"issued_h": 0.5, "compliance": 0.8}]}, r"orders\.0\.issued_h"),
        ({"closures": {"exits": [{"name": "North road", "from_h": 0.5}]}}, r"closures\.exits\.0"),
        ({"behaviour": {"preparation_median_s": 60}}, r"behaviour\.preparation_median_s"),
    ],
)
def test_a_plan_that_changes_the_past_is_refused_by_the_names_of_its_keys(levers, key, tmp_path):
    model = EvacuationModel("tiny_town", rng=5)
    while model.time_s < 3600:
        model.step()
    path = model.save_state(tmp_path / "state.npz")
    with pytest.raises(ScenarioError, match=key):
        EvacuationModel.from_state(path, plan=_plan(tmp_path, **levers))


def test_states_of_another_version_damaged_ones_and_others_files_are_refused(tmp_path, monkeypatch):
    path = EvacuationModel("tiny_town", rng=5).save_state(tmp_path / "state.npz")
    with pytest.raises(ScenarioError, match="already exists"):
        EvacuationModel("tiny_town", rng=5).save_state(path)
    (tmp_path / "half.npz").write_bytes(path.read_bytes()[:5000])
    np.savez(tmp_path / "other.npz", header=np.array([object()], dtype=object), nodes=np.zeros(2))
    for name, told in (("half", "not a complete state"), ("other", "not a complete state"), ("none", "no such state")):
        with pytest.raises(ScenarioError, match=told):
            EvacuationModel.from_state(tmp_path / f"{name}.npz")
    monkeypatch.setattr(state_file, "code_digest", lambda: "another")
    with pytest.raises(ScenarioError, match="another version"):
        EvacuationModel.from_state(path)


@pytest.mark.parametrize("name", ["subprocess:Popen", "builtins:eval", "os:system", "safepassage.model.evacuation:np"])
def test_a_state_that_names_other_code_than_a_models_is_refused(name, tmp_path):
    path = EvacuationModel("tiny_town", rng=5).save_state(tmp_path / "state.npz")
    with np.load(path) as arrays:
        content = dict(arrays)
    nodes = json.loads(content["nodes"].tobytes())
    place = next(i for i, node in enumerate(nodes) if "list" in node)
    nodes[place] = {"object": name, "at": {}}
    content["nodes"] = np.frombuffer(json.dumps(nodes).encode(), np.uint8)
    np.savez(tmp_path / "foul.npz", **content)
    with pytest.raises(ScenarioError, match="does not fit"):
        EvacuationModel.from_state(tmp_path / "foul.npz")


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Return a function that runs `safepassage run` in this process: options -> (exit code, stderr)."""

    monkeypatch.setattr(cli, "console", PlainConsole(width=200, force_terminal=False))

    def call(*options):
        monkeypatch.setattr(sys, "argv", ["safepassage", "run", *options, "--out", str(tmp_path), "--quiet"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, " ".join(capsys.readouterr().err.split())

    return call


def test_a_run_that_goes_on_says_from_when(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cli, "console", PlainConsole(width=200, force_terminal=False))
    model = EvacuationModel(load("tiny_town", {"run.duration_h": 1}))
    while model.time_s < 1800:
        model.step()
    state = model.save_state(tmp_path / "state.npz")
    monkeypatch.setattr(sys, "argv", ["safepassage", "run", "--from", str(state), "--out", str(tmp_path)])
    with pytest.raises(SystemExit):
        cli.main()
    assert "Going on from the state at 01 Aug 06:30, 0.5 h after the start." in capsys.readouterr().out


def test_the_command_line_saves_states_and_goes_on_from_them(tmp_path, command):
    code, said = command("tiny_town", "--save-at", "2h", "--save-at", "90min")
    assert code == 0, said
    code, _ = command("--from", str(tmp_path / "tiny_town-seed1-at-2h.npz"))
    one, other = (json.loads((tmp_path / name / "manifest.json").read_text()) for name in
                  ("tiny_town-seed1", "tiny_town-seed1-2"))  # fmt: skip
    assert code == 0 and one["digests"] == other["digests"]
    state = str(tmp_path / "tiny_town-seed1-at-90min.npz")
    for options, told in (
        (("tiny_town", "--save-at", "soon"), "write a number and d, h, min or s"),
        (("tiny_town", "--save-at", "2d"), "the run goes from 0 to 4 h"),
        (("tiny_town", "--save-at", "2h"), "saved before"),
        (("--from", state, "--save-at", "1h"), "give a later time"),
        (("--from", state, "--set", "run.step_s=30"), "run.step_s cannot be changed"),
        (("tiny_town", "--from", state), "leave out tiny_town"),
        ((), "name a scenario"),
    ):
        code, said = command(*options)
        assert code == 2 and told in said


def test_kernels_take_a_state_that_was_read_for_the_same_types(tmp_path):
    model = EvacuationModel("tiny_town", **{"run.duration_h": 1})
    model.step()
    back = EvacuationModel.from_state(model.save_state(tmp_path / "state.npz"))

    def types(model):
        return [
            numba.typeof(one) for mover in (model.movement.driving, model.movement.walking) for one in mover.state()
        ]

    assert types(back) == types(model)
