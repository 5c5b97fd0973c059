"""What search and agents write to each other, how often they look, and what is asked of Prefect."""

import itertools

import pytest
from pool_threads import request

from storage import open_store
from tasks.messages import to_dict
from tasks.prefect.agent import Told
from tasks.prefect.mailbox import AgentState, Mailbox, Order, Pace


def test_an_order_and_a_state_come_back_as_they_were_written():
    mailbox = Mailbox(open_store("memory://mailbox"))
    order = Order("o", "j", to_dict(request(1)), "slow", interrupt=True)
    state = AgentState("n", "l", 3, order="o", trial="0001", lines=("a", "b"), first_line=4)
    assert mailbox.read_order("a") == Order()
    mailbox.write_order("a", order)
    mailbox.write_state("a", state)
    assert mailbox.read_order("a") == order
    assert mailbox.read_states(["a", "b"]) == {"a": state}
    assert mailbox.agents() == ["a"]
    mailbox.forget(["a"])
    assert mailbox.agents() == []


def test_another_version_is_refused_by_name():
    store = open_store("memory://versions")
    store.replace("agents/a/order.json", b'{"v": 2}')
    with pytest.raises(ValueError, match="version=2"):
        Mailbox(store).read_order("a")


def test_a_look_comes_late_by_a_tenth_and_looks_a_minute_are_bounded():
    now = [0.0]
    pace = Pace(0.02, 5.0, lambda: now[0])
    looks = []
    while now[0] < 600:
        now[0] += pace.pause()
        looks.append(now[0])
    for before, after in itertools.pairwise(looks):
        assert after - before <= min(5.0, max(0.02, before / 10)) + 1e-9
    assert len([look for look in looks if look > 540]) <= 13
    assert len([look for look in looks if look < 60]) < 100
    pace.renew()
    assert pace.pause() == 0.02


def test_the_last_lines_are_told_with_the_number_of_the_first():
    told = Told()
    for number in range(12_000):
        told.line(str(number))
    news = told.news(3, None)
    assert news["lines"] == ("11997", "11998", "11999")
    assert news["first_line"] == 11997
    assert news["reports"] == ()


def test_the_deployment_of_agents_asks_for_what_their_flow_takes():
    from prefect.utilities.callables import parameter_schema
    from prefect.utilities.importtools import import_object

    from tasks.prefect.pool import ENTRYPOINT, SCHEMA

    taken = parameter_schema(import_object(ENTRYPOINT)).model_dump_for_openapi()
    assert set(taken["properties"]) == set(SCHEMA["properties"])
    assert taken["required"] == SCHEMA["required"]
    for name, each in SCHEMA["properties"].items():
        assert taken["properties"][name]["type"] == each["type"]
        assert taken["properties"][name].get("default") == each.get("default")
