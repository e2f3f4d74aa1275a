"""GraphML as OSMnx and networkx write it, read in columns: a tenth of the time that an element at a time takes.

In such a text, nodes and edges hold nothing but texts under declared keys. Whatever is written in another way, or
faulty, is left to networkx's own reader.
"""

import re
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import ParseError, fromstring

import numpy as np
import pyarrow as pa

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.model.streets.reading.order import Said, StreetTable, in_order

GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"
OTHER_ENCODING = re.compile(rb"<\?xml[^>]*encoding=[\"'](?!utf-8[\"']|us-ascii[\"'])", re.IGNORECASE)
OPENS = {"node": b"<node id", "edge": b"<edge so", "data": b"<data ke"}
"""The first eight bytes of tags."""
CLOSES = {"node": b"</node>", "edge": b"</edge>", "data": b"</data>"}
ATTRIBUTES = {"node": ("node id=",), "edge": ("edge source=", " target=", " id=")}
LONGEST_KEY = 8
"""Bytes of the longest id of a key that is read here."""


class OtherwiseWrittenError(Exception):
    """A text is not written as it is read here."""


@dataclass(frozen=True)
class _Tags:
    """Tags from the first to the last of nodes and edges, which hold nothing but data."""

    content: bytes
    eight: Ints
    """The eight bytes from each place of the content on, as one number."""
    begin: Ints
    """Place of each tag's `<`."""
    end: Ints
    """Place of its `>`."""
    is_alone: Bools
    """The tag closes what it opens."""
    opens: dict[str, Bools]
    """Which tags open a node, an edge, data."""
    holder: Ints
    """Tag of the node or edge at or before each tag."""


def plain_table(content: bytes) -> StreetTable | None:
    """Return the StreetTable of a directed graph in a GraphML text; None: it is written in another way, or faulty."""
    try:
        table = _table(content)
    except (OtherwiseWrittenError, ParseError, ValueError):
        return None
    return in_order(table)


def _demand(is_so: Any) -> None:
    if not is_so:
        raise OtherwiseWrittenError


def _table(content: bytes) -> StreetTable:
    """Return nodes and edges as they stand in a text."""
    content.decode()  # a ValueError if it is not UTF-8
    tags = _tags(content)
    names, crs = _head(content[: tags.begin[0]], content[tags.end[-1] + 1 :])
    (node,), (source, target, *key) = (_attributes(tags, what) for what in ("node", "edge"))
    row = {name: k for k, name in enumerate(node)}
    _demand(len(row) == len(node) and row.keys() >= {*source, *target})
    upstream, downstream = (np.fromiter(map(row.__getitem__, ends), np.int64, len(ends)) for ends in (source, target))
    named = [list(map(int, one)) for one in key]
    _demand(not key or len(set(zip(source, target, *named, strict=True))) == len(source))
    of_node, of_edge = _said(tags, names)
    _demand(of_node.keys() >= {"x", "y"} and "key" not in of_edge)
    x, y = (_numbers(of_node[axis]) for axis in "xy")
    kind = of_node.get("highway", Said((), np.full(len(node), -1)))
    return StreetTable(crs, node, x, y, kind, upstream, downstream, of_edge)


def _numbers(said: Said) -> Floats:
    found = said.each(lambda text: np.nan if text is None else float(text), np.float64)
    _demand(np.isfinite(found).all())
    return found


def _tags(content: bytes) -> _Tags:
    byte = np.frombuffer(content, np.uint8)
    _demand(np.count_nonzero(byte < ord(" ")) == sum(np.count_nonzero(byte == ord(sign)) for sign in "\n\t"))
    begin, end = np.flatnonzero(byte == ord("<")), np.flatnonzero(byte == ord(">"))
    _demand(begin.size == end.size and (begin < end).all() and (end[:-1] < begin[1:]).all())
    eight = np.ndarray(max(byte.size - 7, 0), "<u8", content, strides=(1,))
    begin, end = begin[:-1], end[:-1]  # the last closes the whole, and may be too near to the end for `eight`
    word = eight[begin]
    opens, closes = ({what: _begins(word, tag) for what, tag in tags.items()} for tags in (OPENS, CLOSES))
    outer = np.flatnonzero(opens["node"] | opens["edge"] | closes["node"] | closes["edge"])
    _demand(outer.size)
    inner = slice(outer[0], outer[-1] + 1)
    begin, end, outer = begin[inner], end[inner], outer - outer[0]
    opens, closes = ({what: which[inner] for what, which in tags.items()} for tags in (opens, closes))
    is_alone = byte[end - 1] == ord("/")
    _demand(np.logical_or.reduce([*opens.values(), *closes.values()]).all())
    sign = np.flatnonzero(byte == ord("&"))
    _demand(opens["data"][begin.searchsorted(sign[(begin[0] < sign) & (sign < end[-1])]) - 1].all())
    for what, among in (("data", slice(None)), ("node", outer), ("edge", outer)):
        goes_on, closed = (opens[what] & ~is_alone)[among], closes[what][among]
        _demand(np.array_equal(goes_on[:-1], closed[1:]) and not closed[0] and not goes_on[-1])
    is_outer = np.zeros(begin.size, np.bool_)
    is_outer[outer] = True
    holder = outer[np.cumsum(is_outer) - 1]
    _demand((~is_alone & (opens["node"] | opens["edge"]))[holder[opens["data"]]].all())
    return _Tags(content, eight, begin, end, is_alone, opens, holder)


def _begins(word: Ints, text: bytes) -> Bools:
    """Return which numbers of eight bytes begin with a text of at most eight."""
    return (word & np.uint64(2 ** (8 * len(text)) - 1)) == np.uint64(int.from_bytes(text, "little"))


def _head(before: bytes, after: bytes) -> tuple[dict[str, str], str | None]:
    """Return the name of each key, and the coordinate system that the graph names.

    before, after: the text around all nodes and edges.
    """
    _demand(not OTHER_ENCODING.match(before) and b"<!" not in before + after)
    _demand(b"</graph>" in after and before.count(b"<data") == before.count(b"</data"))
    whole = fromstring(before + after)
    *keys, graph = whole
    _demand((whole.tag, graph.tag) == (f"{GRAPHML}graphml", f"{GRAPHML}graph"))
    _demand(graph.get("edgedefault") == "directed")
    names = {}
    for key in keys:
        _demand(key.tag == f"{GRAPHML}key" and not len(key) and key.get("yfiles.type") is None)
        _demand(key.get("id") and key.get("attr.type") == "string" and key.get("attr.name"))
        names[str(key.get("id"))] = str(key.get("attr.name"))
    _demand(all(one.tag == f"{GRAPHML}data" and not len(one) and one.get("key") in names for one in graph))
    return names, {names[str(one.get("key"))]: one.text or "" for one in graph}.get("crs")


def _attributes(tags: _Tags, what: str) -> list[list[str]]:
    """Return the attributes of nodes or edges."""
    opened = tags.opens[what]
    places = zip((tags.begin[opened] + 1).tolist(), (tags.end - tags.is_alone)[opened].tolist(), strict=True)
    joined = b'"'.join([tags.content[begin:end] for begin, end in places]).decode()
    _demand(not any(sign in joined for sign in "&\n\t"))
    found = joined.split('"')
    n = len(found) // np.count_nonzero(opened)
    expected = ATTRIBUTES[what][: n // 2]
    _demand(all(set(found[2 * k :: n]) == {text} for k, text in enumerate(expected)))
    _demand(n >= 3 and len(found) == n * np.count_nonzero(opened) and {"", " "} >= set(found[n - 1 :: n]))
    return [found[2 * k + 1 :: n] for k in range(len(expected))]


def _said(tags: _Tags, names: dict[str, str]) -> tuple[dict[str, Said], dict[str, Said]]:
    """Return what is said of nodes and of edges, by name."""
    data = np.flatnonzero(tags.opens["data"])
    begin, end, is_alone = tags.begin[data], tags.end[data], tags.is_alone[data]
    byte = np.frombuffer(tags.content, np.uint8)
    quote = end - 1 - is_alone
    quote -= byte[quote] == ord(" ")
    n_bytes = quote - (begin + 11)
    _demand(_begins(tags.eight[begin + 3], b'ta key="').all() and (byte[quote] == ord('"')).all())
    _demand((n_bytes > 0).all() and (n_bytes <= LONGEST_KEY).all())
    key = tags.eight[begin + 11] & (~np.uint64(0) >> (64 - 8 * n_bytes).astype(np.uint64))
    start, stop = end + 1, np.append(tags.begin, 0)[data + 1]
    start[is_alone] = stop[is_alone] = end[is_alone]
    holder, found = tags.holder[data], []
    n_found = 0
    for what in ("node", "edge"):
        row, is_of = np.cumsum(tags.opens[what]) - 1, tags.opens[what][holder]
        said: dict[str, Said] = {}
        for one, name in names.items():
            at = np.flatnonzero(is_of & (key == np.uint64(int.from_bytes(one.encode()[:LONGEST_KEY], "little"))))
            if at.size:
                _demand(name not in said)
                said[name] = _texts(tags.content, start[at], stop[at], row[holder[at]], row[-1] + 1)
                n_found += at.size
        found.append(said)
    _demand(n_found == data.size)
    return found[0], found[1]


def _texts(content: bytes, start: Ints, stop: Ints, row: Ints, n: int) -> Said:
    """Return what some of n rows say. start, stop: places of their texts."""
    bounds = np.column_stack((start, stop)).ravel()
    pieces = [None, pa.py_buffer(bounds), pa.py_buffer(content)]
    texts_and_between = pa.Array.from_buffers(pa.large_string(), bounds.size - 1, pieces)
    found = texts_and_between.take(pa.array(np.arange(0, bounds.size, 2))).dictionary_encode()
    place = np.full(n, -1, np.int64)
    place[row] = found.indices.to_numpy()
    texts = found.dictionary.to_pylist()
    return Said([fromstring(f"<t>{text}</t>").text if "&" in text else text for text in texts], place)
