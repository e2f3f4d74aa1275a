"""How Sphinx builds these pages: `sphinx-build -W --keep-going docs build/docs`. Nothing is fetched from a network."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import docstrings
import printed_results
import reference_pages

project = "Safe Passage"
author = "The Safe Passage developers"
copyright = f"2026, {author}"
version = release = version_of("safepassage")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
exclude_patterns = ["build", "reference/state_variables.md", "reference/validation_results.md"]
nitpicky = True  # a link to a key or page that is gone is an error; types of other packages are not looked for
nitpick_ignore_regex = [("py:.*", ".*")]
default_role = "code"
autoclass_content = "both"

html_theme = "furo"
html_title = "Safe Passage"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["style.css"]


def setup(app):
    """Write the pages that come from the code before Sphinx looks for pages."""
    folder = Path(app.srcdir) / "reference"
    reference_pages.write_all(folder)
    printed_results.print_all(folder)
    app.connect("autodoc-process-docstring", docstrings.arguments_as_fields)
