"""Tests of edge.scenarios.labels.explain: the story of an article and of a label, from the rows."""

from edge.core.model import decode_row
from tests.edge.scenarios.labels.world import GATEWAY, SHOP, T0, World


def when(ms: int) -> str:
    return f"t+{(ms - T0) // 1000}"


def story(world: World, key: str) -> list[tuple[str, str, str]]:
    moments = [moment for row in world.rows for moment in world.labels.explain(decode_row(row), key, when)]
    return [(moment.what, moment.who, moment.text) for moment in moments]


def day() -> World:
    world = World()
    world.bound("milk", "bread")
    prices = [{"sku": "milk", "price_cents": 100}, {"sku": "bread", "price_cents": 300}]
    world.send(SHOP, "price.set", prices=prices)
    world.send(SHOP, "price.set", sku="milk", price_cents=80, from_at=T0 + 60_000, until_at=T0 + 90_000)
    world.send(SHOP, "stock.set", sku="milk", count=7)
    world.price("milk")
    world.confirm(world.take()[-1])
    world.send("gateway-2", "label.shown", shop=SHOP, label="l-milk", binding=1, version=1)
    world.send(SHOP, "label.unbind", label="l-milk")
    world.send(SHOP, "sku.remove", sku="milk")
    return world


def test_the_story_of_an_article():
    """Prices with their times, stock, bindings, what anybody asked, each version sent; nothing of others."""
    assert story(day(), "milk") == [
        ("label.bind", SHOP, "l-milk shows milk, served by gateway-1; accepted"),
        ("price.set", SHOP, "100 cents; accepted"),
        ("label.show", GATEWAY, "shop-1: l-milk shows 100 cents (version 1)"),
        ("price.set", SHOP, "80 cents from t+60 until t+90; accepted"),
        ("stock.set", SHOP, "7 in stock; accepted"),
        ("label.show", GATEWAY, "shop-1: l-milk shows 100 cents, 7 in stock (version 2)"),
        ("price.get", "customer-1", "at shop-1; answered 100 cents, 7 in stock (version 2)"),
        ("sku.remove", SHOP, "accepted"),
    ]


def test_the_story_of_a_label():
    """What it was bound to, what it was sent, what it confirmed, and why something was refused."""
    assert story(day(), "l-milk") == [
        ("label.bind", SHOP, "l-milk shows milk, served by gateway-1; accepted"),
        ("label.show", GATEWAY, "shop-1: l-milk shows 100 cents (version 1)"),
        ("label.show", GATEWAY, "shop-1: l-milk shows 100 cents, 7 in stock (version 2)"),
        ("label.shown", GATEWAY, "version 2 of binding 1 of shop-1; accepted"),
        (
            "label.shown",
            "gateway-2",
            "version 1 of binding 1 of shop-1; refused as not_yours (another gateway serves it)",
        ),
        ("label.unbind", SHOP, "accepted"),
    ]


def test_subjects_are_the_names_in_events():
    """Articles and labels, each once for a row."""
    world = day()
    subjects = [list(world.labels.subjects(decode_row(row))) for row in world.rows]
    assert subjects[1:4] == [["l-milk", "milk"], ["l-bread", "bread"], ["milk", "bread"]]
