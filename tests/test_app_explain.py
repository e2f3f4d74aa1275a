"""What a click on the map tells, and what it offers to do."""

import re

import numpy as np
import pytest
from service_towns import ADULT, POINT, fleet, town_of

from safepassage.app.actions import Actions
from safepassage.app.scenes.scene import LiveScene
from safepassage.app.told.explain import Explainer
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import load

SHELLED = {"run.duration_h": 4, "shelling.sources.0.events_per_day": 9000, "damage.debris.p_collapse": [0.5, 1, 1]}


def explainer_of(model):
    return Explainer(LiveScene(model))


def click(explainer, x_m, y_m, *, can_act=True):
    x, y = explainer.scene.frame.scale([x_m], [y_m])[0]
    return explainer.at(float(x), float(y), 250.0, can_act=can_act)


@pytest.fixture(scope="module")
def shelled():
    model = EvacuationModel("tiny_town", **SHELLED)
    for _ in range(65):
        model.step()
    return model


def middle_of_rubble(model):
    streets, damage = model.streets, model.surroundings.damage
    link = int(np.flatnonzero(streets.drivable & ~damage.is_open_car)[-1])
    ends = [streets.link_upstream[link], streets.link_downstream[link]]
    return streets.node_x_m[ends].mean(), streets.node_y_m[ends].mean()


def test_a_street_under_rubble_offers_to_be_cleared_and_says_what_it_costs(shelled):
    explainer = explainer_of(shelled)
    answer = click(explainer, *middle_of_rubble(shelled))
    asks = [act for act in answer["actions"] if act["kind"] == "clear"]
    assert [act["n_more_crews"] for act in asks] == [1], "there is no crew yet: one must be called in"
    assert "h of a crew's work" in asks[0]["label"] and "no crew is there" in dict(answer["lines"])["rubble"]
    assert re.fullmatch(r"closed: damage leaves \d\.\d m of its width", dict(answer["lines"])["cars"])
    assert click(explainer, *middle_of_rubble(shelled), can_act=False)["actions"] == []
    Actions(shelled).do(asks[0])
    shelled.step()
    answer = click(explainer, *middle_of_rubble(shelled))
    until = dict(answer["lines"])["rubble"].partition("a crew is there, until ")[2]
    assert until and dict(answer["lines"])["cars"].endswith(f"m of its width; clear at {until}")
    assert not [act for act in answer["actions"] if act["kind"] == "clear"]


def test_an_exit_tells_its_numbers_and_can_be_closed(shelled):
    node = shelled.streets.exit_node[0]
    answer = click(explainer_of(shelled), shelled.streets.node_x_m[node], shelled.streets.node_y_m[node])
    assert answer["title"] == "Exit: North road" and answer["actions"][0]["close"] is True
    assert dict(answer["lines"])["out so far"] == f"{shelled.routes[0].n_persons:,} people"


def test_a_pickup_point_tells_who_waits_and_offers_buses_that_can_be_sent():
    given = {"services.pickup_points": [POINT], "services.fleets": [fleet()]}
    model = EvacuationModel(load(town_of([[ADULT]] * 12, node="end"), given))
    for _ in range(28):
        model.step()
    stop = model.services.stops[0]
    explainer = explainer_of(model)
    answer = click(explainer, stop.x_m, stop.y_m)
    assert (
        answer["title"] == "Pickup point: Square" and dict(answer["lines"])["waiting now"] == f"{stop.n_waiting} people"
    )
    assert stop.n_waiting == 12
    Actions(model).do(answer["actions"][0])
    for _ in range(5):
        model.step()
    assert dict(click(explainer, stop.x_m, stop.y_m)["lines"])["boarded so far"] == "12 people"
    assert len(model.services.vehicles) == 2


def test_a_household_tells_why_it_does_what_it_does_and_one_person_is_one_person():
    model = EvacuationModel("tiny_town", **{"run.duration_h": 2})
    for _ in range(30):
        model.step()
    explainer, households = explainer_of(model), model.households
    alone = int(np.flatnonzero((households.n_members == 1) & model.population.is_at_home())[0])
    answer = explainer.household(alone)
    assert answer["text"].startswith("This household") and dict(answer["lines"])["would decide within a day"].endswith(
        "%"
    )
    found = click(explainer, households.home_x_m[alone], households.home_y_m[alone])
    assert "1 people" not in found["title"]


def test_a_click_tells_all_that_is_there_streets_before_people(shelled):
    driving = shelled.movement.driving.view
    street = shelled.streets.link_street[int(np.argmax(driving.n_entered - driving.n_left))]
    lead = int(np.flatnonzero(shelled.streets.link_street == street)[0])
    ends = [shelled.streets.link_upstream[lead], shelled.streets.link_downstream[lead]]
    answer = click(explainer_of(shelled), shelled.streets.node_x_m[ends].mean(), shelled.streets.node_y_m[ends].mean())
    assert {"street"} <= {act["kind"] for act in answer["actions"]}
    titles = [answer["title"], *(one["title"] for one in answer["also"])]
    assert len(titles) == len(set(titles)) and titles[-1].startswith("Zone: ")


def test_every_busy_street_can_be_closed_by_a_click_on_it(shelled):
    streets, explainer = shelled.streets, explainer_of(shelled)
    busiest = np.argsort(shelled.movement.driving.view.n_left)[-25:]
    for link in busiest:
        ends = [streets.link_upstream[link], streets.link_downstream[link]]
        answer = click(explainer, streets.node_x_m[ends].mean(), streets.node_y_m[ends].mean())
        told = [answer, *answer["also"]]
        assert any(act["kind"] == "street" for one in told for act in one["actions"])
