import numpy as np

from safepassage.model.movement.news.road_news import HEARSAY, WITNESS, RoadNews

NOBODY = np.empty(0, np.int64)


def told(news, time_s):
    changes = [(row, k, o) for row, links, is_open in news.spread(time_s) for k, o in zip(links, is_open, strict=True)]
    return {(row, int(link)): bool(is_open) for row, link, is_open in changes}


def test_a_closure_that_nobody_met_is_known_to_nobody():
    news = RoadNews(np.ones(3, bool), 900.0)
    news.change(np.array([1]), NOBODY, 0.0)
    assert told(news, 1e6) == {} and news.is_believed_open.all()


def test_witnesses_know_at_once_and_the_others_after_the_delay():
    news = RoadNews(np.ones(3, bool), 900.0)
    news.change(np.array([1]), NOBODY, 0.0)
    news.meet(np.array([1]), 100.0)
    assert told(news, 100.0) == {(WITNESS, 1): False}
    assert told(news, 999.0) == {}
    assert told(news, 1000.0) == {(HEARSAY, 1): False}


def test_the_first_witness_counts():
    news = RoadNews(np.ones(2, bool), 900.0)
    news.meet(np.array([0]), 100.0)
    news.meet(np.array([0, 0]), 800.0)
    assert news.met_s[0] == 100.0


def test_a_reopened_street_is_believed_closed_until_the_news_has_spread():
    news = RoadNews(np.ones(2, bool), 900.0)
    news.meet(np.array([0]), 0.0)
    told(news, 1000.0)
    news.change(NOBODY, np.array([0]), 2000.0)
    assert told(news, 2000.0) == {} and not news.is_believed_open[:, 0].any()
    assert told(news, 2900.0) == {(HEARSAY, 0): True, (WITNESS, 0): True}
    news.change(np.array([0]), NOBODY, 3000.0)
    assert told(news, 5000.0) == {} and news.is_believed_open.all()
    news.meet(np.array([0]), 6000.0)
    assert told(news, 7000.0) == {(HEARSAY, 0): False, (WITNESS, 0): False}


def test_nobody_believes_that_cars_may_use_a_footpath():
    news = RoadNews(np.array([True, False]), 900.0)
    news.change(NOBODY, np.array([0]), 0.0)
    told(news, 1e4)
    assert not news.is_believed_open[:, 1].any()
