"""How Sphinx builds these pages: `sphinx-build -W --keep-going docs build/docs`. Nothing is fetched from a network."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import reference_pages

project = "Safe Passage"
author = "The Safe Passage developers"
copyright = f"2026, {author}"
version = release = version_of("safepassage")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
exclude_patterns = ["build"]
nitpicky = True
default_role = "code"

html_theme = "furo"
html_title = "Safe Passage"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["style.css"]


def setup(app):
    """Write the pages that come from the code before Sphinx looks for pages."""
    reference_pages.write_all(Path(app.srcdir) / "reference")
