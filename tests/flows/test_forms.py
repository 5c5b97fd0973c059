"""What the form of a deployment takes, as a server checks it."""

import pytest
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools import is_valid_schema, validate
from prefect.utilities.schema_tools.validation import ValidationError

from flows.resuming import resume
from flows.search import search

PLACE = {search: {"study": "digits.py"}, resume: {"project_url": "results/digits"}}


@pytest.mark.parametrize("flow", [search, resume])
def test_a_form_takes_what_the_flow_takes_and_refuses_the_rest(flow):
    schema = parameter_schema(flow).model_dump()
    assert is_valid_schema(schema) is None
    for slots in (None, 1, 8, "auto"):
        validate({**PLACE[flow], "slots": slots}, schema, raise_on_error=True)
    for slots in (0, -1, 1.5, "many"):
        with pytest.raises(ValidationError):
            validate({**PLACE[flow], "slots": slots}, schema, raise_on_error=True)


@pytest.mark.parametrize("flow", [search, resume])
def test_no_field_of_a_form_is_one_that_only_json_can_fill_in(flow):
    for name, told in parameter_schema(flow).model_dump()["properties"].items():
        assert not any("anyOf" in kind for kind in told.get("anyOf", [])), name
