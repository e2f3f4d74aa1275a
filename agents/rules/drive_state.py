"""The records that the motion of vehicles works on: links, ring slots, arms, vehicles, events.

Records keep what one link crossing reads and writes side by side in memory; see drive.py for the rules.
"""

import numpy as np

LINK = np.dtype(
    [
        ("free_flow_time_s", "f8"), ("wave_time_s", "f8"), ("out_headway_s", "f8"), ("in_headway_s", "f8"),
        ("next_exit_s", "f8"), ("next_entry_s", "f8"), ("virtual_time_s", "f8"), ("delay_s", "f8"),
        ("length_m", "f8"), ("freed", "i8"), ("head", "i8"), ("tail", "i8"), ("ring_first", "i4"),
        ("ring_mask", "i4"), ("storage", "i4"), ("used", "i4"), ("downstream", "i4"), ("first_waiter", "i4"),
        ("is_open", "i2"), ("is_listed", "i2"), ("crossed_by", "i4"),
    ],
    align=True,
)  # fmt: skip
"""A link or sink; 128 bytes. Ring of slots: freed..head have left but their room is not back yet, head..tail are on
the link; head and tail are also the counts of those who have left and entered. Sizes in car units. is_listed: it is on
the list of arms that vehicles are in. crossed_by: row of its first CROSSING, -1: nothing crosses at its end."""
CROSSING = np.dtype([("link", "i4"), ("stage", "i4"), ("share", "f8")], align=True)
"""A link with streams that cross it has a row for itself, then one for each that crosses, stage by stage, then one
whose link is -1. share: of the junction's time, while others cross."""
SLOT = np.dtype([("time_s", "f8"), ("vehicle", "i4"), ("car_units", "i4")], align=True)
"""On the link: when the vehicle can be at its end. Having left: when its room comes back."""
ARM = np.dtype(
    [
        ("tag_s", "f8"), ("joined_s", "f8"), ("weight_per_s", "f8"), ("slow_s_per_m", "f8"), ("target", "i4"),
        ("tag_target", "i4"), ("next_waiter", "i4"), ("state", "i4"), ("queue_first", "i4"), ("queue_last", "i4"),
        ("n_queued", "i4"), ("is_listed", "i4"),
    ],
    align=True,
)  # fmt: skip
"""slow_s_per_m: time per metre of the slow vehicle that the last to leave the link was or drove behind; 0: of none.
is_listed: of those who set out onto a link, whether they are on the list of arms that vehicles are in."""
VEHICLE = np.dtype(
    [
        ("departure_s", "f8"), ("entry_s", "f8"), ("s_per_m", "f8"), ("state", "i4"), ("link", "i4"),
        ("car_units", "i4"), ("table", "i4"), ("path_next", "i4"), ("path_end", "i4"), ("origin", "i4"),
        ("queue_next", "i4"), ("n_left_at_entry", "i8"),
    ],
    align=True,
)  # fmt: skip
"""table: row of the next-link table, or -1 if the vehicle follows paths[path_next:path_end]. n_left_at_entry: vehicles
that had left its link when it entered."""
EVENT = np.dtype([("time_s", "f8"), ("next", "i4"), ("is_scheduled", "i4")], align=True)
RUN = np.dtype(
    [
        ("buckets_per_s", "f8"), ("bucket", "i8"), ("n_in_wheel", "i8"), ("n_heap", "i8"), ("next_departure", "i8"),
        ("n_departures", "i8"), ("n_arrived", "i8"), ("n_logged", "i8"), ("n_crossings", "i8"), ("held_first", "i8"),
        ("n_other_speed", "i8"), ("n_occupied", "i8"), ("unharmed_s", "f8"),
    ],
    align=True,
)  # fmt: skip
"""unharmed_s: when everybody's danger was counted last by minutes and nobody had a dose."""
HEAP = np.dtype([("time_s", "f8"), ("event", "i4")], align=True)
ARRIVAL = np.dtype([("time_s", "f8"), ("vehicle", "i4"), ("node", "i4")], align=True)
DANGER = np.dtype([("strikes_per_s", "f8"), ("crossfire_per_s", "f8"), ("halted_factor", "f8")])
"""What time on a link costs: strikes on whoever moves there, crossfire on whoever is there; halted_factor: on strikes
on a vehicle that stands."""
DOSE = np.dtype([("since_s", "f8"), ("strikes", "f8"), ("crossfire", "f8")])
"""Danger that a party has gone through on links since it was last read; since_s: time up to which it is counted."""
LOG = np.dtype([("entry_s", "f8"), ("exit_s", "f8"), ("vehicle", "i4"), ("link", "i4")], align=True)
"""One crossing of a link."""
LOOK = np.dtype(
    [
        ("first_s", "f8"), ("every_s", "f8"), ("next_s", "f8"), ("table", "i4"), ("also", "i4"), ("is_now", "i4"),
        ("n_seen", "i4"),
    ],
    align=True,
)  # fmt: skip
"""Drivers who look round at the same moments, of one table, and of another also, -1: none. is_now: whether they did at
the last moment at which anybody looked. n_seen: SIGHTs of what they have seen since it was last read, -1: they have not
looked."""
SIGHT = np.dtype([("time_s", "f8"), ("link", "i4"), ("n_cars", "i4")], align=True)
"""What there is to see of queues on a link: n_cars on it, or waiting to enter it; time_s: what entering it now is
expected to take, negative: what other SIGHTs of it say, or as long as it took somebody alone at first."""
