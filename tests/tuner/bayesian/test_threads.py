import threadpoolctl

from tuner.bayesian.threads import single_threaded


def test_linear_algebra_takes_one_thread_inside_and_as_many_as_before_outside():
    def threads():
        found = threadpoolctl.threadpool_info()
        return {
            each["filepath"]: each["num_threads"] for each in found if each["user_api"] == "blas"
        }

    with single_threaded():  # the first one looks for the libraries
        assert set(threads().values()) == {1}
    before = threads()
    with single_threaded():
        assert set(threads().values()) == {1}
    assert threads() == before
