"""SECURITY.md names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_each_promise_names_tests_that_are_there():
    table = [line for line in (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    named = [re.findall(r"`((?:test_\w+\.py|\.\.\.)(?:::\w+)?)`", line) for line in table[2:]]
    assert len(named) >= 10 and all(named)
    for tests in named:
        file = ""
        for test in tests:
            name, _, function = test.partition("::")
            file = file if name == "..." else name
            text = (ROOT / "tests" / file).read_text(encoding="utf-8")
            assert not function or f"def {function}(" in text, test
