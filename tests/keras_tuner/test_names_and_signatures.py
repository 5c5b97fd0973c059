"""Every public name of Keras Tuner is here, with its signature, and under its old path too."""

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from inspect import Parameter
from pathlib import Path

import pytest

TEXT = (Path(__file__).parent / "names.md").read_text()
MODULE = re.compile(r"^- \[ \] `(keras_tuner[\w.]*)`: (.*)$", re.MULTILINE)
HEADING = re.compile(r"^### `([^`]+)`\s+— (?:\(not exported\) )?([^;\n]+?)(?:; bases: (.*))?$")
ITEM = re.compile(r"^- \[ \] (?:(classmethod|staticmethod|property|class attr) )?`([^`]+)`(.*)$")

HOMES = {
    "tuner": """BayesianOptimization GridSearch HyperModel HyperParameters Hyperband Objective
        Oracle RandomSearch SklearnTuner Tuner BaseTuner Trial TrialStatus synchronized""",
    "tuner.oracles": """BayesianOptimizationOracle GridSearchOracle HyperbandOracle
        RandomSearchOracle""",
    "tuner.errors": """FailedTrialError FatalError FatalRuntimeError FatalTypeError
        FatalValueError""",
    "tuner.applications": "HyperEfficientNet HyperImageAugment HyperResNet HyperXception",
    "tuner.core.hyperparameters": """Boolean Choice Fixed Float HyperParameter Int Numerical
        deserialize serialize""",
    "tuner.core.metrics": """infer_metric_direction MetricsTracker MetricHistory
        MetricObservation""",
    "tuner.core.objective": "DefaultObjective MultiObjective",
    "tuner.core.hyperparameters.conditions": "Condition Parent",
    "tuner.core.stateful": "Stateful",
    "tuner.training.callbacks": "TunerCallback SaveBestEpoch",
    "tuner.tuners.tuner": "maybe_distribute",
}
HOME_OF = {name: module for module, names in HOMES.items() for name in names.split()}

PROTOBUF = {"to_proto", "from_proto"}
"""Protobuf was for the chief's server; the journal is what processes share here."""

PRIVATE_WE_LACK = {
    # The journal and the result files are written elsewhere, and under other names.
    "Oracle._get_oracle_fname",
    "Tuner._get_build_config_fname",
    # Steps of algorithms that are written differently here.
    "BayesianOptimizationOracle._make_gpr",
    "HyperbandOracle._increment_bracket_num",
    "HyperbandOracle._random_trial",
    "HyperbandOracle._remove_completed_brackets",
    "HyperbandOracle._start_new_bracket",
    "SaveBestEpoch._save_model",
    "Tuner._filter_metrics",
}
"""Nobody is known to call or to override them."""


@dataclass(frozen=True)
class Member:
    """A line below a heading: a method, property or class attribute."""

    kind: str
    text: str

    @property
    def name(self):
        return re.match(r"\w+", self.text)[0]


@dataclass
class Entry:
    """A heading: a class or a function; without a signature where Keras Tuner has none."""

    name: str
    signature: str
    paths: list[str]
    bases: list[str]
    members: list[Member] = field(default_factory=list)

    @property
    def ours(self):
        return getattr(importlib.import_module(HOME_OF[self.name]), self.name)


def read_entries():
    found = []
    for line in TEXT.splitlines():
        if heading := HEADING.match(line):
            signature, paths, bases = heading.groups()
            name = re.match(r"\w+", signature)[0]
            signature = signature if "(" in signature else ""
            bases = bases.split(", ") if bases else []
            found.append(Entry(name, signature, paths.split(", "), bases))
        elif found and (item := ITEM.match(line)):
            kind, text, _ = item.groups()
            text = text.removesuffix("@synchronized").strip()
            if text.startswith(f"{found[-1].name}("):
                found[-1].signature = text
            else:
                found[-1].members.append(Member(kind or "method", text))
    return found


def parameters_of(text):
    """The parameters of `f(a, b=1, *c, **d)` as (name, kind, default)."""
    arguments = ast.parse(f"def {text}: pass").body[0].args
    missing = len(arguments.args) - len(arguments.defaults)
    defaults = [Parameter.empty] * missing + list(map(ast.literal_eval, arguments.defaults))
    found = [
        (argument.arg, Parameter.POSITIONAL_OR_KEYWORD, default)
        for argument, default in zip(arguments.args, defaults, strict=True)
    ]
    if arguments.vararg:
        found.append((arguments.vararg.arg, Parameter.VAR_POSITIONAL, Parameter.empty))
    if arguments.kwarg:
        found.append((arguments.kwarg.arg, Parameter.VAR_KEYWORD, Parameter.empty))
    return found


def check_signature(function, text):
    """More arguments than Keras Tuner has may only be given by keyword, and may be left out."""
    ours = [
        (p.name, p.kind, p.default)
        for p in inspect.signature(function).parameters.values()
        if p.kind not in (Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD)
        or (p.kind is Parameter.KEYWORD_ONLY and p.default is Parameter.empty)
        or (p.kind is Parameter.VAR_KEYWORD and "**" in text)
    ]
    expected = parameters_of(text)
    message = f"expected {text}, found {inspect.signature(function)}"
    assert without_names_of_the_rest(ours) == without_names_of_the_rest(expected), message


def without_names_of_the_rest(parameters):
    """No caller can tell `*args` from `*fit_args`."""
    rest = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    return [("" if kind in rest else name, kind, default) for name, kind, default in parameters]


ENTRIES = read_entries()
MEMBERS = [(entry, member) for entry in ENTRIES for member in entry.members]


def test_the_list_is_read_whole():
    lines = TEXT.splitlines()
    assert len(ENTRIES) == sum(line.startswith("### ") for line in lines) == len(HOME_OF)
    signatures = sum(
        entry.signature != "" and f"- [ ] `{entry.signature}`" in TEXT for entry in ENTRIES
    )
    modules = len(MODULE.findall(TEXT))
    items = sum(line.startswith("- [ ] ") for line in lines)
    assert len(MEMBERS) + signatures + modules == items


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_name_is_there_with_its_signature_and_bases(entry):
    ours = entry.ours
    if entry.signature:
        check_signature(ours, entry.signature)
    if not entry.bases:
        assert inspect.isfunction(ours)
    inherited = {base.__name__ for base in inspect.getmro(ours)} if entry.bases else set()
    assert set(entry.bases) <= inherited


@pytest.mark.parametrize(
    ("entry", "member"),
    MEMBERS,
    ids=[f"{entry.name}.{member.name}" for entry, member in MEMBERS],
)
def test_a_member_is_there_with_its_signature(entry, member):
    if member.name in PROTOBUF:
        return
    name = f"{entry.name}.{member.name}"
    if name in PRIVATE_WE_LACK:
        assert not hasattr(entry.ours, member.name), f"take {name} off the list"
        return
    found = inspect.getattr_static(entry.ours, member.name)
    match member.kind:
        case "property":
            is_property = isinstance(found, property)
            assert is_property or not callable(found)
        case "class attr":
            assert found == ast.literal_eval(member.text.partition(" = ")[2])
        case "classmethod":
            assert isinstance(found, classmethod)
            check_signature(found.__func__, member.text)
        case "staticmethod":
            assert isinstance(found, staticmethod)
            check_signature(found.__func__, member.text)
        case _ if member.name.startswith("__"):
            assert callable(found)
        case _:
            check_signature(found, member.text)


@pytest.fixture(scope="module")
def aliased(environment):
    """Where each path of Keras Tuner leads once `keras_tuner` means Trialflow."""
    paths = [path for entry in ENTRIES for path in entry.paths]
    modules = {
        f"{module}.{name}": is_module
        for module, names in MODULE.findall(TEXT)
        for name, is_module in re.findall(r"`(\w+)`( \(module\))?", names)
    }
    script = (
        "import importlib, json, sys, types\n"
        "from tuner.compat import alias_keras_tuner\n"
        "alias_keras_tuner()\n"
        "found = {}\n"
        "for path in json.load(sys.stdin):\n"
        "    module, _, name = path.rpartition('.')\n"
        "    thing = getattr(importlib.import_module(module), name, None)\n"
        "    if isinstance(thing, types.ModuleType):\n"
        "        found[path] = '(module)'\n"
        "    else:\n"
        "        found[path] = f'{thing.__module__}.{thing.__qualname__}' if thing else None\n"
        "print(json.dumps(found))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps([*paths, *modules]),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout), modules


@pytest.mark.story
def test_every_path_of_keras_tuner_leads_to_our_name(aliased):
    found, modules = aliased
    for path, is_module in modules.items():
        assert found[path], path
        assert (found[path] == "(module)") == bool(is_module), path
    for entry in ENTRIES:
        ours = f"{entry.ours.__module__}.{entry.ours.__qualname__}"
        assert {found[path] for path in entry.paths} == {ours}, entry.name
