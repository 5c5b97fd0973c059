"""Shows what a script finds around it; runs under `python` as well."""

import pickle
import sys

import beside


class Thing:
    pass


print(sys.argv, __name__, __file__, sys.path[0], beside.square(3), __doc__)
print(sys.modules["__main__"].Thing is Thing, type(pickle.loads(pickle.dumps(Thing()))))
print(sorted(name for name in globals() if name.startswith("__")))
how = sys.argv[1]
if how == "exit":
    sys.exit(7)
if how == "message":
    sys.exit("it went wrong")
if how == "raise":

    def inner():
        raise ValueError("of the script")

    try:
        inner()
    except ValueError as error:
        raise RuntimeError("because of it") from error
