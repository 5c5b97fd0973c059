import storage


def test_importing_storage_imports_nothing_heavy(run_python):
    done = run_python(
        """
        import sys, storage
        heavy = {"tensorflow", "keras", "prefect", "pytest", "numpy", "pyarrow", "aiohttp"}
        ours = {"tuner", "tasks", "flows"}
        print(sorted((heavy | ours) & set(sys.modules)))
        """
    )
    assert done.stdout.read() == "[]\n"


def test_the_public_names_are_sorted_and_there():
    assert storage.__all__ == sorted(storage.__all__, key=lambda name: (not name.isupper(), name))
    assert all(hasattr(storage, name) for name in storage.__all__)
