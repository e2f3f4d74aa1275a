"""What only some systems have is not taken for granted: planners use Windows."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from studies import Here, digest, invented, keys, sweep, write_study

from safepassage.experiments.runs import store
from safepassage.experiments.sweeps.study import study_of
from safepassage.experiments.sweeps.sweep import run_sweep
from safepassage.model.results.run_folder import program
from safepassage.model.settings.files import whole as whole_files
from safepassage.model.settings.files.texts import file_stem

ROOT = Path(__file__).parent.parent
PARTS = ("agents", "app", "experiments", "model", "safepassage")
POSIX_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog", "crypt", "nis"}
POSIX_NAMES = {
    "os": {
        "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "chown", "chroot", "fchmod", "fchown", "fork",
        "forkpty", "getegid", "geteuid", "getgid", "getloadavg", "getpgid", "getuid", "killpg", "lockf",
        "mkfifo", "mknod", "nice", "pread", "pwrite", "sched_getaffinity", "sched_setaffinity", "sendfile",
        "setsid", "setuid", "statvfs", "sysconf", "uname", "wait", "wait3", "wait4",
    },
    "signal": {
        "ITIMER_PROF", "ITIMER_REAL", "SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPROF", "SIGQUIT", "SIGSTOP",
        "SIGUSR1", "alarm", "pause", "pthread_kill", "setitimer", "sigwait",
    },
    "time": {
        "tzset",
    },
}  # fmt: skip
ASKED = {"ImportError", "AttributeError", "ModuleNotFoundError"}


@pytest.fixture(scope="module")
def sources():
    """What each module of the package says: path -> syntax tree."""
    paths = sorted(path for part in PARTS for path in (ROOT / part).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def unguarded(tree: ast.AST) -> list[str]:
    """Return what a module uses that only POSIX has, outside of a try or an if that asks for it."""
    found: list[str] = []

    def look(node, is_guarded):
        if isinstance(node, ast.Try):
            caught = {ast.unparse(handler.type) for handler in node.handlers if handler.type}
            is_asked = is_guarded or any(name in said for said in caught for name in ASKED)
            for one in node.body:
                look(one, is_asked)
            for one in (*node.handlers, *node.orelse, *node.finalbody):
                look(one, is_guarded)
            return
        if isinstance(node, ast.If | ast.IfExp):
            asked = ast.unparse(node.test)
            is_guarded = is_guarded or any(word in asked for word in ("hasattr", "os.name", "sys.platform"))
        if isinstance(node, ast.Import | ast.ImportFrom) and not is_guarded:
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
            found.extend(name for name in names if name.partition(".")[0] in POSIX_MODULES)
        is_name = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and not is_guarded
        if is_name and node.attr in POSIX_NAMES.get(node.value.id, ()):
            found.append(f"{node.value.id}.{node.attr}")
        for one in ast.iter_child_nodes(node):
            look(one, is_guarded)

    look(tree, False)
    return found


def in_the_machines_encoding(tree: ast.AST) -> list[int]:
    """Return the lines that open a file of text without saying in what encoding."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(word.arg == "encoding" for word in node.keywords):
            continue
        is_method = isinstance(node.func, ast.Attribute)
        name = node.func.attr if is_method else getattr(node.func, "id", "")
        modes = [str(one.value) for one in node.args if isinstance(one, ast.Constant)]
        is_opened = name == "open" and not is_method and not any("b" in mode for mode in modes)
        if is_opened or (is_method and name in ("read_text", "write_text")):
            found.append(node.lineno)
    return found


def test_no_call_that_only_posix_has_is_made_without_asking_for_it(sources):
    bare = ast.parse("import fcntl\nos.fork()\nif x: os.getuid()")
    asked = ast.parse(
        "try:\n import fcntl\nexcept ImportError: pass\nx = os.nice(1) if hasattr(os, 'nice') else getattr(os, 'f', 0)"
    )
    assert unguarded(bare) == ["fcntl", "os.fork", "os.getuid"] and not unguarded(asked)
    assert len(sources) > 200
    assert {path: found for path, tree in sources.items() if (found := unguarded(tree))} == {}


def test_no_text_is_read_or_written_in_the_encoding_of_the_machine(sources):
    """Windows writes texts in a code page of its own unless told otherwise."""
    assert in_the_machines_encoding(ast.parse("open(p)\np.read_text()\nopen(p, 'rb')")) == [1, 2]
    assert {path: lines for path, tree in sources.items() if (lines := in_the_machines_encoding(tree))} == {}


@pytest.mark.parametrize(
    ("parts", "stem"),
    [(("robustness", "left_behind:no_car"), "robustness-left_behind-no_car"), (("p95.dead@3600",), "p95.dead-3600"),
     (("con",), "con_"), (("LPT1.x",), "LPT1.x_"), (("../../a\nb*?",), "-..-a-b--"), (("Міст",), "Міст"),
     (("",), "unnamed"), (("a" * 300,), "a" * 100)],
)  # fmt: skip
def test_a_file_is_named_as_every_system_takes_it(parts, stem):
    assert file_stem(*parts) == stem


def test_a_program_in_the_folder_that_we_are_in_is_not_run(tmp_path, monkeypatch):
    for folder in ("received", "installed"):
        (tmp_path / folder).mkdir()
        for name in ("git", "git.exe"):
            (tmp_path / folder / name).write_text("")
            (tmp_path / folder / name).chmod(0o755)
    monkeypatch.chdir(tmp_path / "received")
    monkeypatch.setenv("PATH", ".")
    assert program("git") is None
    monkeypatch.setenv("PATH", str(tmp_path / "installed"))
    assert Path(program("git")).parent == tmp_path / "installed"


LIKE_WINDOWS = """
import os, subprocess, sys, tempfile, types
for name in ("fcntl", "resource", "pwd", "grp"):
    sys.modules[name] = None
for name in ("O_NOFOLLOW", "getuid", "geteuid", "killpg", "nice", "setsid", "sysconf"):
    delattr(os, name)
msvcrt = sys.modules["msvcrt"] = types.ModuleType("msvcrt")
msvcrt.LK_NBLCK = 2
def locking(opened, mode, n_bytes):
    print("locked", file=sys.stderr)
msvcrt.locking = locking
"""
"""What a process starts with, so that it lacks what Windows lacks, and locks files as Windows does."""


def test_a_sweep_needs_nothing_that_windows_lacks(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(LIKE_WINDOWS, encoding="utf-8")
    path = [str(tmp_path), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(part for part in path if part))
    lacking = subprocess.run([sys.executable, "-c", "import os; os.getuid"], capture_output=True, text=True)
    assert "AttributeError" in lacking.stderr
    done = sweep(write_study(tmp_path, factors=None, replications=1), tmp_path / "out", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert "locked" in done.stderr and (tmp_path / "out" / "results.parquet").is_file()


def test_a_table_that_somebody_reads_is_replaced_once_they_are_done(tmp_path, monkeypatch):
    replace, refused = os.replace, [0]

    def busy(partial, path):
        if Path(path).suffix == ".parquet" and refused[0] < 2:
            refused[0] += 1
            raise PermissionError(13, "Permission denied", str(path))
        replace(partial, path)

    whole = tmp_path / "whole"
    run_sweep(study_of(keys()), whole, Here(answer=invented(float)))
    monkeypatch.setattr(whole_files.os, "replace", busy)
    run_sweep(study_of(keys()), tmp_path / "out", Here(answer=invented(float)))
    assert refused[0] == 2 and digest(tmp_path / "out") == digest(whole)
    assert not list((tmp_path / "out").rglob(".*.tmp"))


def test_a_table_that_stays_refused_ends_the_sweep_with_a_message_and_loses_no_run(tmp_path, monkeypatch):
    def never(partial, path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(whole_files, "READ_MOST_S", 0.1)
    monkeypatch.setattr(whole_files.os, "replace", never)
    with pytest.raises(store.ScenarioError, match="the results could not be written"):
        run_sweep(study_of(keys()), tmp_path / "out", Here(answer=invented(float)))
