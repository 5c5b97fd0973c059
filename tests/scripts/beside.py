"""A module beside the script, which training processes must find too."""


def square(x):
    return x**2
