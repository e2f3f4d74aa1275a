"""What is loaded, compiled and built before anything runs: only what is needed, and once."""

import ast
import gc
import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from safepassage import collector
from safepassage.collector import at_rest
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.harm.expected_casualties import band
from safepassage.model.hazard.process import poisson_quantile
from safepassage.model.movement import compiling
from safepassage.model.settings.base import ScenarioError

ROOT = Path(__file__).parent.parent


def _loaded_by(statement: str, *modules: str) -> list[str]:
    """Return which of the modules are loaded in a fresh process after a statement."""
    code = f"import sys; {statement}; print(*[m for m in {modules!r} if m in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_the_help_of_the_command_line_loads_no_numbers_and_no_checks_of_scenarios():
    heavy = ("numpy", "pandas", "pydantic", "yaml", "mesa", "numba")
    assert _loaded_by("import safepassage.cli.main", *heavy) == []


def test_importing_the_model_leaves_out_what_only_some_runs_need():
    heavy = ("scipy.stats", "scipy.spatial", "networkx", "matplotlib", "pyproj", "mesa.visualization")
    assert _loaded_by("import safepassage.model.evacuation", *heavy) == []


@pytest.mark.parametrize(
    "asked", ["mesa.space.NetworkGrid", "mesa.discrete_space.CellAgent", "mesa.experimental.devs.ABMSimulator"]
)
def test_mesas_spaces_are_there_when_asked_for(asked):
    assert _loaded_by(f"import safepassage.model.evacuation, mesa; assert isinstance({asked}, type)", "mesa") == [
        "mesa"
    ]


def test_mesas_spaces_can_be_imported_by_name_after_the_model():
    statement = "import safepassage.model.evacuation; from mesa.discrete_space.network import Network; Network.mro()"
    assert _loaded_by(statement, "mesa.discrete_space.network") == ["mesa.discrete_space.network"]


def test_quantiles_are_those_of_scipy_stats():
    rng = np.random.default_rng(1)
    u, mean = rng.random(5_000), 10 ** rng.uniform(-9, 4, 5_000)
    u[:10], mean[5:15] = 0.0, 0.0
    np.testing.assert_array_equal(poisson_quantile(u, mean), np.maximum(stats.poisson.ppf(u, mean), 0))
    n, p = np.ceil(10 ** rng.uniform(0, 5, 2_000)), rng.random(2_000)
    low, high = band(n * p, n * p * (1 - p))
    fitted = np.maximum(np.ceil((n * p) ** 2 / (n * p - n * p * (1 - p)) - 1e-9), 1)
    share = np.minimum(n * p / fitted, 1)
    np.testing.assert_array_equal(low, stats.binom.ppf(0.025, fitted, share))
    np.testing.assert_array_equal(high, stats.binom.ppf(0.975, fitted, share))


def test_the_band_of_nothing_and_of_certainty_has_no_width():
    low, high = band([0.0, 3.0, 1e-300], [0.0, 0.0, 1e-300])
    assert low.tolist() == [0, 3, 0] and high.tolist() == [0, 3, 0]


def _compiled_functions():
    """Yield (file, name, whether it is a part) of every function that a decorator of agents/compiled.py compiles."""
    for path in (*(ROOT / "agents").rglob("*.py"), *(ROOT / "model").rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            names = {ast.unparse(d) for d in getattr(node, "decorator_list", ())}
            if names & {"kernel", "part", "lean_kernel", "lean_part", "inlined_part"}:
                yield path, node, bool(names & {"part", "lean_part", "inlined_part"})


def test_only_kernels_call_a_part_those_of_other_files_where_it_counts_as_their_own():
    """A part has no entry for Python: the process would die."""
    compiled = list(_compiled_functions())
    assert sum(is_part for *_, is_part in compiled) > 40
    for path in {path for path, *_ in compiled}:
        parts = {node.name for at, node, is_part in compiled if is_part and at == path}
        for other in (*ROOT.glob("*/*.py"), *ROOT.glob("*/*/*.py")):
            tree = ast.parse(other.read_text()) if path.stem in other.read_text() else ast.Module([], [])
            imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
            names = {
                one.name for node in imports if (node.module or "").endswith(f".{path.stem}") for one in node.names
            }
            mine = parts if other == path else parts & names
            inside = [node for at, node, _ in compiled if at == other and (at == path or _counts(path.stem, node))]
            lines = {line for node in inside for line in range(node.lineno, node.end_lineno + 1)}
            for node in ast.walk(tree):
                is_part = isinstance(node, ast.Name) and node.id in mine
                is_part |= isinstance(node, ast.Attribute) and ast.unparse(node) in {f"{path.stem}.{n}" for n in parts}
                assert not is_part or node.lineno in lines, f"{other}:{node.lineno} calls {ast.unparse(node)}"


def _counts(file, function):
    """Return whether a function is compiled anew if a file changes, which it calls kernels of."""
    return any(
        isinstance(d, ast.Call) and file in map(ast.unparse, d.args) and ast.unparse(d.func) == "calls_kernels_of"
        for d in function.decorator_list
    )


def test_what_goes_round_the_block_compiles_what_a_run_needs():
    code = (
        "from safepassage.model.movement.round_the_block import go_round_the_block; go_round_the_block();"
        "from safepassage.model.movement.compiling import begin;"
        "from safepassage.agents.rules import by_minutes, drive, drive_edit, walk, walk_views;"
        "kernels = (walk.advance, walk.renew, walk_views.let_set_out, drive.advance, drive_edit.join,"
        " drive_edit.join_departures, drive_edit.let_set_out, by_minutes.advance);"
        "assert all(len(k.signatures) == 1 for k in kernels);"
        "from safepassage.model.evacuation import EvacuationModel; EvacuationModel('tiny_town', rng=1).run();"
        "assert all(len(k.signatures) == 1 for k in kernels), [k.signatures for k in kernels];"
        "assert not begin()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_kernel_that_was_never_compiled_or_has_changed_since_is_not_kept(tmp_path, monkeypatch):
    source = tmp_path / "some_rules.py"
    source.write_text("from numba import njit\n\n\n@njit(cache=True)\ndef double(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    rules = importlib.import_module("some_rules")
    assert not compiling.is_kept(rules.double)
    assert rules.double(2) == 4
    assert compiling.is_kept(rules.double)
    source.write_text(source.read_text().replace("2 * x", "x + x + 0"))
    sys.modules.pop("some_rules")
    importlib.invalidate_caches()
    assert not compiling.is_kept(importlib.import_module("some_rules").double)


def test_a_kernel_is_not_kept_if_a_file_whose_kernels_it_calls_has_changed(tmp_path, monkeypatch):
    callee, caller = tmp_path / "called_rules.py", tmp_path / "calling_rules.py"
    callee.write_text("from numba import njit\n\n\n@njit(cache=True)\ndef double(x):\n    return 2 * x\n")
    caller.write_text(
        "import called_rules\nfrom numba import njit\nfrom safepassage.agents.compiled import calls_kernels_of\n\n\n"
        "@calls_kernels_of(called_rules)\n@njit(cache=True)\ndef fourfold(x):\n    return called_rules.double(2 * x)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importlib.import_module("calling_rules").fourfold(2) == 8
    for name, is_changed in (("as it was", False), ("changed", True)):
        if is_changed:
            callee.write_text(callee.read_text().replace("2 * x", "3 * x + 0"))
        for module in ("calling_rules", "called_rules"):
            sys.modules.pop(module)
        importlib.invalidate_caches()
        anew = importlib.import_module("calling_rules").fourfold
        assert compiling.is_kept(anew) is not is_changed, name
    assert anew(2) == 12


@pytest.fixture
def changing_rule(tmp_path, monkeypatch):
    """Return a function that imports a kernel anew, which multiplies by another number each time."""
    source = tmp_path / "changing_rules.py"
    monkeypatch.syspath_prepend(str(tmp_path))

    def import_with(factor):
        source.write_text(
            f"from safepassage.agents.compiled import kernel\n\n\n@kernel\ndef multiply(x):\n    return {factor} * x\n"
        )
        sys.modules.pop("changing_rules", None)
        importlib.invalidate_caches()
        return importlib.import_module("changing_rules").multiply

    return import_with


def test_machine_code_of_before_a_change_is_not_run_if_keeping_that_of_after_it_was_broken_off(
    changing_rule, monkeypatch
):
    assert changing_rule(2)(10) == 20
    for write in ("_save_index", "_save_data"):
        after = changing_rule(30)
        monkeypatch.setattr(after._cache._cache_file, write, lambda *_: pytest.fail("broken off"))
        with pytest.raises(pytest.fail.Exception, match="broken off"):
            after(10)
        assert changing_rule(30)(10) == 300, write
        assert changing_rule(2)(10) == 20


def test_machine_code_of_before_a_change_is_not_run_by_a_process_that_reads_while_another_keeps_that_of_after_it(
    changing_rule, monkeypatch
):
    assert changing_rule(2)(10) == 20
    first, read = changing_rule(30), []
    save_index = first._cache._cache_file._save_index
    monkeypatch.setattr(
        first._cache._cache_file, "_save_index", lambda kept: (save_index(kept), read.append(changing_rule(30)(10)))
    )
    assert first(10) == 300
    assert read == [300]


def test_what_another_numba_compiled_is_not_run_and_is_compiled_anew(changing_rule, monkeypatch):
    by_older = changing_rule(2)
    monkeypatch.setattr(by_older._cache._cache_file, "_version", "0.1")
    assert by_older(10) == 20
    anew = changing_rule(2)
    assert not compiling.is_kept(anew)
    monkeypatch.setattr(anew._cache._cache_file, "_save_data", lambda *_: pytest.fail("broken off"))
    with pytest.raises(pytest.fail.Exception, match="broken off"):
        anew(10)
    assert not compiling.is_kept(changing_rule(2))


def test_no_more_machine_code_is_kept_than_that_of_the_last_change(changing_rule):
    for factor in (2, 3, 4):
        rule = changing_rule(factor)
        assert (rule(10), rule(0.5)) == (10 * factor, 0.5 * factor)
        assert len(list(Path(rule.stats.cache_path).glob("changing_rules.multiply-*.nbc"))) == 2
        assert [changing_rule(factor)(x) for x in (10, 0.5)] == [10 * factor, 0.5 * factor]


def test_with_one_core_or_with_all_kept_no_second_process_starts(monkeypatch):
    monkeypatch.setattr(compiling.subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    monkeypatch.setattr(compiling, "is_kept", lambda _: True)
    assert compiling.begin() is False
    monkeypatch.setattr(compiling, "is_kept", lambda _: False)
    monkeypatch.setattr(compiling.os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert compiling.begin() is True
    compiling.wait()


def test_no_unreachable_cycles_are_looked_for_while_a_town_is_built(monkeypatch):
    was_at_work, build = [], EvacuationModel._build_people
    monkeypatch.setattr(
        EvacuationModel, "_build_people", lambda model: (was_at_work.append(gc.isenabled()), build(model))
    )
    gc.enable()
    EvacuationModel("tiny_town")
    assert was_at_work == [False] and gc.isenabled()


def test_the_collector_works_again_after_a_town_that_cannot_be_built():
    with pytest.raises(ScenarioError):
        EvacuationModel("no_such_town")
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with at_rest():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_stays_is_never_looked_at_again():
    code = (
        "import gc\nfrom safepassage.collector import at_rest\nwith at_rest(stays=True): kept = [[]]\n"
        "print(gc.get_freeze_count() > 0, any(one is kept for one in gc.get_objects()), gc.isenabled())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False", "True"]


IN_PIECES = """
import os
from safepassage.collector import let_go
def held_mb():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
let_go()
before = held_mb()
pieces = [(bytearray(60_000), bytearray(2_000)) for _ in range(1000)]
stays = [small for _, small in pieces]
grown = held_mb() - before
del pieces
let_go()
print(grown, held_mb() - before)
"""


def test_memory_let_go_in_pieces_goes_back_to_the_system():
    if collector._of_glibc("malloc_trim") is None:
        pytest.skip("no glibc: this C library cannot be asked to give memory back")
    done = subprocess.run([sys.executable, "-c", IN_PIECES], capture_output=True, text=True, check=True)
    grown, left = map(float, done.stdout.split())
    assert grown > 50 and left < 0.3 * grown
