"""Search spaces that several tests look at."""

from tuner.core.hyperparameters import HyperParameters


def space_of(*declare):
    """The space that these functions of `hp` declare."""
    hp = HyperParameters()
    for one in declare:
        one(hp)
    return hp


def nested_space():
    """Conditions within conditions, and a name that means another range under each."""
    hp = HyperParameters()
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["a"]):
        hp.Int("units", 8, 10)
    with hp.conditional_scope("kind", ["b"]):
        hp.Int("units", 1, 2)
        hp.Boolean("extra")
        with hp.conditional_scope("extra", [True]):
            hp.Choice("deep", ["x", "y"])
    hp.Fixed("f", 3)
    return hp


NESTED_POINTS = [{"kind": "a", "units": units, "f": 3} for units in (8, 9, 10)] + [
    {"kind": "b", "units": units, "f": 3, **rest}
    for units in (1, 2)
    for rest in ({"extra": False}, {"extra": True, "deep": "x"}, {"extra": True, "deep": "y"})
]
"""All of them, in the order of a grid."""
