import itertools

import numpy as np

from safepassage.model.draws import Stream, uniforms
from safepassage.model.movement.news.queue_news import N_CLASSES, QueueNews
from safepassage.model.settings.movement import Movement as MovementSettings

LIVE, FIRST = 0, 2
N = 4000


def news(**settings):
    u = np.array([uniforms(5, Stream.ROAD_NEWS, N, index=i) for i in range(2)])
    return QueueNews(MovementSettings(**settings), u, LIVE, FIRST)


def test_a_quarter_has_live_news_and_the_others_fall_into_classes_of_one_size():
    n = np.bincount(news().table_of(np.arange(N)), minlength=FIRST + N_CLASSES)
    assert abs(n[LIVE] / N - 0.25) < 0.03
    assert n[1] == 0 and (abs(n[FIRST:] / (0.75 * N / N_CLASSES) - 1) < 0.2).all()


def test_a_class_looks_every_twice_the_stated_age_and_no_two_at_the_same_moment():
    some, looks = news(congestion_news_delay_s=600.0), {}
    while some.looks["next_s"].min() <= 7200.0:
        time_s = some.looks["next_s"].min()
        for table in some.looks["table"][some.looks["next_s"] == time_s].tolist():
            looks.setdefault(table, []).append(time_s)
        some.skip_to(time_s)
    assert sorted(some.looks_between(-1.0, 7200.0)) == sorted(itertools.chain(*looks.values()))
    assert set(np.diff(looks.pop(LIVE))) == {60.0}
    assert len(looks) == N_CLASSES and all(set(np.diff(times_s)) == {1200.0} for times_s in looks.values())
    assert len({times_s[0] for times_s in looks.values()}) == N_CLASSES


def test_news_is_as_old_on_average_as_the_setting_says():
    some, ages_s = news(congestion_news_delay_s=300.0), []
    for time_s in np.arange(1200.0, 6000.0, 5.0):
        some.skip_to(time_s)
        ages_s.append((time_s - (some.looks["next_s"] - some.looks["every_s"]))[:N_CLASSES].mean())
    assert abs(np.mean(ages_s[240:]) / 300.0 - 1) < 0.03


def test_without_a_phone_nobody_has_live_news():
    some = news(live_news_share=0.5)
    some.phone_works[: N // 2] = False
    table = some.table_of(np.arange(N))
    assert not (table[: N // 2] == LIVE).any() and (table[N // 2 :] == LIVE).sum() > 0.4 * N / 2


def test_looks_that_nobody_needed_are_not_made_up_for():
    some = news()
    some.skip_to(1e6)
    assert 1e6 < some.looks["next_s"].min() <= 1e6 + 60.0
