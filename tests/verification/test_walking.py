from safepassage.experiments.verification import walking


def failed(checks):
    assert checks
    return [check for check in checks if not check.passed]


def test_rimea_1_one_person_walks_40_m_of_corridor_at_its_own_speed():
    assert failed(walking.corridor()) == []


def test_rimea_2_one_person_climbs_stairs_at_the_speed_of_stairs():
    assert failed(walking.stairs_up()) == []


def test_rimea_3_one_person_goes_down_stairs_at_the_speed_of_stairs():
    assert failed(walking.stairs_down()) == []


def test_rimea_4_speed_follows_the_fundamental_diagram():
    assert failed(walking.fundamental_diagram()) == []


def test_rimea_5_everybody_starts_at_their_own_reaction_time():
    assert failed(walking.reaction_times()) == []


def test_rimea_7_speeds_by_age_sex_and_mobility_lie_in_the_published_ranges():
    assert failed(walking.speeds_by_age()) == []


def test_rimea_9_a_crowd_takes_twice_the_time_when_two_of_four_doors_close():
    assert failed(walking.four_doors_then_two()) == []


def test_rimea_10_people_keep_the_exits_they_were_assigned():
    assert failed(walking.assigned_exits()) == []


def test_rimea_12_people_jam_before_the_first_of_two_bottlenecks_alone():
    assert failed(walking.jam_at_first_bottleneck()) == []


def test_rimea_14_people_take_the_way_of_least_perceived_cost():
    assert failed(walking.short_or_long_route()) == []


def test_imo_1_one_person_walks_40_m_at_1_m_s_in_40_s():
    assert failed(walking.imo_corridor()) == []


def test_nist_4_1_all_use_the_other_exit_when_one_is_lost_at_1_s():
    assert failed(walking.exit_lost()) == []


def test_nist_5_2_flow_through_a_door_never_exceeds_the_maximum_set():
    assert failed(walking.flow_at_most_the_set_maximum()) == []


def test_weidmann_a_street_carries_at_most_1_225_persons_per_m_and_s():
    assert failed(walking.greatest_specific_flow()) == []


def test_nist_2_8_the_more_people_come_the_other_way_the_longer_it_takes():
    assert failed(walking.counter_flow()) == []


def test_weidmann_two_ways_share_the_flow_of_a_street():
    assert failed(walking.two_way_flow()) == []


def test_every_case_names_its_source_and_has_a_test_here():
    assert len(walking.CASES) == 17
    assert all(case.source and case.name for case in walking.CASES)


def test_faster_people_are_out_sooner():
    assert failed(walking.faster_people_are_out_sooner()) == []
