import gc
import weakref

from tuner.search.loop import quick_collections


class Cycle:
    def __init__(self):
        self.me = self


def test_what_lived_before_is_not_looked_at_and_what_comes_later_is_collected():
    before = Cycle()
    old = weakref.ref(before)
    with quick_collections():
        assert gc.get_freeze_count() > 0
        del before
        new = weakref.ref(Cycle())
        gc.collect()
        assert old() is not None
        assert new() is None
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert old() is None


def test_a_heap_that_is_frozen_already_stays_so():
    gc.freeze()
    try:
        with quick_collections():
            pass
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
