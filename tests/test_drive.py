import naive_drive
import numpy as np
from hypothesis import example, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from safepassage.agents.rules import drive
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.news.queues_seen import QueuesSeen
from safepassage.model.movement.routing import Routes
from safepassage.model.streets.junctions import Junctions


@st.composite
def towns(draw):
    """A small town of random links both ways, and vehicles with random origins, times, sizes and destinations."""
    n_nodes = draw(st.integers(3, 6))
    ring = [(i, (i + 1) % n_nodes) for i in range(n_nodes)]
    chords = draw(st.lists(st.tuples(st.integers(0, n_nodes - 1), st.integers(0, n_nodes - 1)), max_size=4))
    pairs = ring + [(a, b) for a, b in chords if a != b]
    ends = np.array(pairs + [(b, a) for a, b in pairs])
    n = len(ends)
    length_m = np.array(draw(st.lists(st.sampled_from([7.0, 31.0, 60.0, 123.4]), min_size=n, max_size=n)))
    speed_m_s = np.array(draw(st.lists(st.sampled_from([4.0, 11.1, 16.7]), min_size=n, max_size=n)))
    capacity_per_s = np.array(draw(st.lists(st.sampled_from([0.1, 0.37, 9.0]), min_size=n, max_size=n)))
    vehicle = st.tuples(
        st.integers(0, n_nodes - 1),
        st.sampled_from([0.0, 1.0, 2.5, 7.0, 30.0]),
        st.integers(0, 1),
        st.sampled_from([1, 1, 1, 3]),
    )
    trips = draw(st.lists(vehicle, min_size=1, max_size=40))
    return n_nodes, ends, length_m, speed_m_s, capacity_per_s, trips, draw(st.lists(st.floats(1, 400), max_size=4))


def two_who_come_out_within_rounding():
    """Return a town in which two vehicles reach their ends at times that differ by rounding alone."""
    ends = np.array([[0, 1], [1, 2], [2, 3], [3, 4], [4, 0], [0, 1], [1, 0], [2, 1], [3, 2], [4, 3], [0, 4], [1, 0]])
    length_m, speed_m_s = np.full(12, 7.0), np.full(12, 4.0)
    length_m[[3, 10]], speed_m_s[3] = (60.0, 31.0), 11.1
    trips = [(0, 0.0, 0, 1)] * 3 + [(2, 0.0, 1, 1)] + [(1, 0.0, 1, 1)] * 2
    return 5, ends, length_m, speed_m_s, np.full(12, 0.1), trips, []


def bus_that_waits_for_room():
    """A town where a bus finds too little room and a car that comes to wait behind it is served before it."""
    ring = [(i, (i + 1) % 6) for i in range(6)]
    ends = np.array(ring + [(0, 1), (0, 4)] + [(b, a) for a, b in ring] + [(1, 0), (4, 0)])
    length_m, speed_m_s, capacity_per_s = np.full(16, 7.0), np.full(16, 4.0), np.full(16, 0.1)
    length_m[[3, 8, 14]], speed_m_s[[2, 3]], capacity_per_s[2] = 31.0, 11.1, 0.37
    cars = [(1, 2.5), (1, 2.5), (1, 30.0), (2, 7.0), (2, 7.0), (3, 0.0), (3, 0.0)]
    trips = [(node, time_s, 0, 1) for node, time_s in cars] + [(3, 30.0, 0, 3)]
    return 6, ends, length_m, speed_m_s, capacity_per_s, trips, []


def check_places(driving, length_m):
    """Whoever is on a link has a place on it, in the order of entry, and room in it."""
    for link in range(driving.n_links):
        ids = driving.view.occupants(link)
        at, distance_m = driving.view.position(ids)
        assert (at == link).all()
        assert (distance_m >= 0).all()
        assert (distance_m <= length_m[link]).all()
        assert (np.diff(distance_m) <= 0).all()
        assert driving._traffic.vehicles["car_units"][ids].sum() <= driving._traffic.links["used"][link]
        storage = driving._traffic.links["storage"][link]
        assert driving._traffic.links["used"][link] <= max(
            storage, *driving._traffic.vehicles["car_units"][ids], 3 * (storage < 3)
        )


def check_who_stands(driving, alone_s):
    """Who stands first is who is found by looking at every arm, and streets are slow if any link is."""
    now, n = driving._traffic, driving.n_links
    stands = {"lost": set(np.flatnonzero(now.vehicles["state"] == drive.HELD).tolist()), "shut": set()}
    for arm in range(2 * n):
        state = now.arms["state"][arm]
        if state in (drive.LOST, drive.SHUT_OUT):
            on_link = arm < n
            first = int(driving.view.occupants(arm)[0]) if on_link else int(now.arms["queue_first"][arm])
            into = int(now.arms["target"][arm]) if on_link else arm - n
            stands["lost" if state == drive.LOST else "shut"].add(first if state == drive.LOST else (first, into))
    assert driving.view.without_route().tolist() == sorted(stands["lost"])
    assert set(zip(*(column.tolist() for column in driving.view.at_closed_links()), strict=True)) == stands["shut"]
    seen = QueuesSeen(driving.view.sights(), driving.view.alone_s, None, None)
    assert (seen.link_time_s == driving.view.link_time_s()).all()
    bound = now.vehicles["link"][np.isin(now.vehicles["state"], (drive.DRIVING, drive.QUEUED))]
    counted = np.bincount(seen.sights["link"], seen.sights["n_cars"], n)
    assert (counted == np.bincount(bound, minlength=n)).all()
    assert driving.view.is_any_held_up() == bool(
        driving.view.n_under_way and (driving.view.link_time_s() > alone_s).any()
    )


def crosses(ends, i, j):
    """Return whether two links cross in a made-up town: into one node and of different stages, three in turn."""
    return ends[i][1] == ends[j][1] and i % 3 != j % 3


def crossroads(ends, share):
    """Return Junctions in which every link crosses those into the same node that are of another stage."""
    n = len(ends)
    pairs = [(i, j % 3, j) for i in range(n) for j in range(n) if crosses(ends, i, j)]
    of, stage, crossing = (
        (np.array(column, np.int64) for column in zip(*sorted(pairs), strict=True))
        if pairs
        else 3 * (np.zeros(0, np.int64),)
    )
    first = np.concatenate(([0], np.cumsum(np.bincount(of, minlength=n))))
    return Junctions(first, crossing.astype(np.int32), stage.astype(np.int32), np.full(n, share))


@given(towns(), st.sampled_from([0.3, 0.5, 1.0]))
@example(bus_that_waits_for_room(), 1.0)
@example(two_who_come_out_within_rounding(), 0.3)
@given_settings(max_examples=150, deadline=None)
def test_vehicles_move_as_in_the_naive_twin_however_often_one_looks(town, share):
    n_nodes, ends, length_m, speed_m_s, capacity_per_s, trips, looks_s = town
    routes = Routes(n_nodes, ends[:, 0], ends[:, 1], n_classes=2)
    for table, destination in enumerate((0, n_nodes - 1)):
        routes.set_class(table, length_m / speed_m_s, is_open=True, destination_node=[destination])
    driving = Driving(
        upstream=ends[:, 0], downstream=ends[:, 1], length_m=length_m, free_flow_speed_m_s=speed_m_s,
        flow_capacity_per_s=capacity_per_s, n_nodes=n_nodes, junctions=crossroads(ends, share), record=True,
    )  # fmt: skip
    naive = naive_drive.NaiveDriving(ends[:, 0], ends[:, 1], length_m, speed_m_s, 0.133, 5.0, capacity_per_s, n_nodes)
    naive.share = [share] * len(ends)
    naive.crossed_by = [
        [(j, j % 3) for j in sorted(range(len(ends)), key=lambda j: (j % 3, j)) if crosses(ends, i, j)]
        for i in range(len(ends))
    ]
    naive.next_link = routes.next_link
    driving.set_next_link(routes.next_link)
    for i, (origin, departure_s, table, size) in enumerate(trips):
        if routes.next_link[table, origin] >= 0:
            speed_m_s = 3.0 if i % 4 == 3 else np.inf  # some vehicles are slow, and nobody overtakes them
            driving.add([i], origin, departure_s, table=table, size=size, max_speed_m_s=speed_m_s)
            naive.add(i, origin, departure_s, table, size, speed_m_s)
    arrived = []
    for until_s in sorted([*looks_s, 3000.0]):
        arrivals = driving.advance(until_s)
        arrived += list(zip(arrivals.id.tolist(), arrivals.time_s.tolist(), strict=True))
        check_places(driving, length_m)
    naive.advance(3000.0)
    crossings = driving.crossings()
    found = list(zip(*(getattr(crossings, k).tolist() for k in ("id", "link", "entry_s", "exit_s")), strict=True))
    # of two whose times differ by rounding alone, either may be noted first: each vehicle is compared by itself
    found, expected = sorted(found), sorted(naive.crossings)
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    assert np.allclose(np.array(found).ravel(), np.array(expected).ravel(), rtol=0, atol=1e-6)
    assert sorted(i for i, _ in arrived) == sorted(i for i, _ in naive.arrivals)
    assert driving.view.n_under_way == len(naive.size) - len(arrived)


actions = st.lists(
    st.tuples(
        st.sampled_from(["close", "open", "withdraw", "narrow", "widen", "advance", "swap", "slow", "fast"]),
        st.integers(0, 39),
    ),
    min_size=3,
    max_size=25,
)


@given(towns(), actions)
@given_settings(max_examples=100, deadline=None)
def test_whatever_happens_on_the_way_nobody_is_lost_and_all_can_go_on_in_the_end(town, happenings):
    n_nodes, ends, length_m, speed_m_s, capacity_per_s, trips, _ = town
    routes = Routes(n_nodes, ends[:, 0], ends[:, 1], n_classes=2)
    for table, destination in enumerate((0, n_nodes - 1)):
        routes.set_class(table, length_m / speed_m_s, is_open=True, destination_node=[destination])
    tables = routes.next_link.copy()
    driving = Driving(
        upstream=ends[:, 0], downstream=ends[:, 1], length_m=length_m, free_flow_speed_m_s=speed_m_s,
        flow_capacity_per_s=capacity_per_s, n_nodes=n_nodes,
    )  # fmt: skip
    driving.set_next_link(tables)
    origin, departure_s, table, size = (np.array(column) for column in zip(*trips, strict=True))
    driving.add(np.arange(len(trips)), origin, departure_s, table=table, size=size)
    under_way, alone_s = set(range(len(trips))), length_m / speed_m_s
    for what, k in happenings:
        link = k % driving.n_links
        if what in ("close", "open"):
            driving.set_open([link], is_open=what == "open")
        elif what == "withdraw" and k in under_way:
            driving.withdraw([k])
            under_way.remove(k)
        elif what in ("narrow", "widen"):
            driving.set_flow_capacity([link], 0.0 if what == "narrow" else 1.0)
        elif what == "swap":
            tables = tables[::-1]
            driving.set_next_link(tables)
        elif what in ("slow", "fast"):
            driving.set_free_flow_speed([link], speed_m_s[link] * (0.5 if what == "slow" else 1.0))
        under_way -= set(driving.advance(driving.time_s + k / 3.0).id.tolist())
        check_places(driving, length_m)
        check_who_stands(driving, alone_s)
    driving.set_open(np.arange(driving.n_links), is_open=True)
    driving.set_flow_capacity(np.arange(driving.n_links), 1.0)
    for _ in range(50):
        under_way -= set(driving.advance(driving.time_s + 2000.0).id.tolist())
        for ring in driving.view.gridlocks():
            first = int(driving.view.occupants(ring[0])[0])
            driving.withdraw([first])
            under_way.remove(first)
    assert not under_way
    assert driving.view.n_under_way == 0
    assert (driving.view.n_entered == driving.view.n_left).all()
    assert not driving._traffic.arms["n_queued"].any()
