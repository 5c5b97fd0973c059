"""Hyperparameters and spaces of every kind, for tests of properties."""

from hypothesis import strategies as st

from tuner.core.hyperparameters import Boolean, Choice, Fixed, Float, HyperParameters, Int
from tuner.core.hyperparameters.conditions import Parent

PROBS = st.floats(0, 1)
SAMPLINGS = st.sampled_from(["linear", "log", "reverse_log"])


@st.composite
def ints(draw):
    low = draw(st.integers(1, 100))
    high = draw(st.integers(low, low + 1000))
    step = draw(st.none() | st.integers(2, 9))
    default = draw(st.none() | st.integers(low, high))
    return Int("p", low, high, step, draw(SAMPLINGS), default)


@st.composite
def floats(draw):
    low = draw(st.floats(1e-3, 10))
    high = low + draw(st.floats(0, 100))
    step = draw(st.none() | st.floats(1.5, 9))
    return Float("p", low, high, step, draw(SAMPLINGS))


CHOICES = st.one_of(
    st.lists(st.integers(-9, 9), min_size=1, unique=True),
    st.lists(st.text(max_size=3), min_size=1, unique=True),
    st.lists(st.booleans(), min_size=1, unique=True),
    st.lists(st.floats(-9, 9), min_size=1, unique=True),
).map(lambda values: Choice("p", values))
OTHERS = st.sampled_from([Boolean("p"), Boolean("p", True), Fixed("p", 7), Fixed("p", "x")])
PARAMETERS = st.one_of(ints(), floats(), CHOICES, OTHERS)
EVERY_KIND = [
    Choice("kind", ["a", "b"], default="b"),
    Float("lr", 1e-4, 0.1, sampling="log"),
    Fixed("fx", 7),
    Boolean("bo"),
    Int("units", 4, 8, step=2, conditions=[Parent("kind", ["b"])]),
]


def conditional_space():
    hp = HyperParameters()
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["a"]):
        hp.Int("units", 8, 16)
    with hp.conditional_scope("kind", ["b"]):
        hp.Int("units", 1, 4)
        hp.Boolean("extra")
    return hp
