# Needs: JSON, dates, expressions and any letters. Must come out: plays, action {"é":[1,null]}.
import copy
import datetime
import json
import re
import unicodedata

ACUTE = "\N{COMBINING ACUTE ACCENT}"


def agent(observation):
    again = json.loads(json.dumps(copy.deepcopy(observation)))
    assert again == observation
    assert datetime.datetime.now(datetime.UTC).year >= 2024
    letter = unicodedata.normalize("NFC", re.sub("x", f"e{ACUTE}", "x"))
    print("grüße", letter, "\N{BLACK CHESS PAWN}")
    return {letter: [1, None]}
