"""Styles by which QGIS draws an exported run: in the GeoPackage, where it finds them by itself, and as .qml files."""

from xml.sax.saxutils import quoteattr

STEPS = (
    (0.0, 0.1, "195,201,207,255", 0.2),
    (0.1, 1.0, "253,187,132,255", 0.5),
    (1.0, 10.0, "227,74,51,255", 0.9),
    (10.0, 1e9, "127,0,0,255", 1.4),
)
"""From and to (vehicle-hours lost), colour (red, green, blue, opacity), width (mm)."""
_HEAD = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_COLUMNS = ("f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column", "styleName", "styleQML",
            "styleSLD", "description", "owner", "ui")  # fmt: skip
"""Columns of text of the table layer_styles, as QGIS makes it."""


def streets_style() -> str:
    """Return a style that draws streets as wide and dark as cars lost time on them."""
    ranges = "".join(
        f'<range lower="{low:.6f}" upper="{high:.6f}" symbol="{row}" render="true" '
        f"label={quoteattr(f'{low:g} to {high:g} vehicle-hours lost' if high < 1e9 else f'more than {low:g}')}/>"
        for row, (low, high, _, _) in enumerate(STEPS)
    )
    symbols = "".join(
        _symbol(row, "line", "SimpleLine", {"line_color": colour, "line_width": f"{width:g}", "line_style": "solid",
                                            "line_width_unit": "MM", "capstyle": "round", "joinstyle": "round"})
        for row, (_, _, colour, width) in enumerate(STEPS)
    )  # fmt: skip
    return _style(
        '<renderer-v2 type="graduatedSymbol" attr="delay_vehicle_h" graduatedMethod="GraduatedColor" symbollevels="0" '
        f'forceraster="0" enableorderby="0" referencescale="-1"><ranges>{ranges}</ranges>'
        f"<symbols>{symbols}</symbols></renderer-v2>",
        1,
    )


def zones_style() -> str:
    """Return a style that draws the outlines of zones and leaves what lies under them to be seen."""
    look = {"color": "120,130,140,25", "style": "solid", "outline_color": "70,80,90,255", "outline_style": "solid",
            "outline_width": "0.3", "outline_width_unit": "MM"}  # fmt: skip
    return _style(
        '<renderer-v2 type="singleSymbol" symbollevels="0" forceraster="0" enableorderby="0" referencescale="-1">'
        f"<symbols>{_symbol(0, 'fill', 'SimpleFill', look)}</symbols></renderer-v2>",
        2,
    )


STYLES = {"streets": streets_style, "zones": zones_style}
"""Style by the layer that it is for."""


def layer_styles(names: list[str]) -> dict[str, list]:
    """Return the table layer_styles of a GeoPackage with the styles of its layers, as QGIS looks for them."""
    styled = [name for name in names if name in STYLES]
    table: dict[str, list] = {column: [""] * len(styled) for column in _COLUMNS}
    table["f_table_name"] = styled
    table["f_geometry_column"] = ["geom"] * len(styled)
    table["styleName"] = styled
    table["styleQML"] = [STYLES[name]() for name in styled]
    return table | {"useAsDefault": [True] * len(styled)}


def _style(renderer: str, geometry: int) -> str:
    """Return a style file; geometry: 0 for points, 1 for lines, 2 for polygons."""
    return (
        f'{_HEAD}<qgis version="3.28.0-Firenze" styleCategories="Symbology">{renderer}'
        f"<layerGeometryType>{geometry}</layerGeometryType></qgis>\n"
    )


def _symbol(name: int, kind: str, layer: str, look: dict[str, str]) -> str:
    options = "".join(f'<Option type="QString" name="{key}" value="{value}"/>' for key, value in look.items())
    return (
        f'<symbol type="{kind}" name="{name}" alpha="1" clip_to_extent="1" force_rhr="0">'
        f'<layer class="{layer}" enabled="1" locked="0" pass="0"><Option type="Map">{options}</Option></layer></symbol>'
    )
