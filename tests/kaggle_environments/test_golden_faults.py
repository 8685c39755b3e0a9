"""The recorded faults are what kaggle-environments, as it is installed here, still does."""

import json

from tests.kaggle_environments import golden_faults


def test_the_record_is_up_to_date():
    assert golden_faults.record() == json.loads(golden_faults.PATH.read_text())
