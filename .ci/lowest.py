"""Prints, as constraints for pip, the lowest versions that pyproject.toml allows: `python .ci/lowest.py gis study`."""

import re
import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
some = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in sys.argv[1:])]
for asked in (one for part in some for one in part):
    name, version = re.match(r"([\w.-]+)(?:\[\w+\])?>=([\d.]+)", asked).groups()
    print(f"{name}=={version}")
