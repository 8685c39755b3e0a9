"""What pages tell about a game comes from its README, as words and never as markup."""

import pytest

from league.views import games

README = """# Chess

Two players. See [the rules](https://example.org) for **more**.

| | |
|---|---|
| Seats | 2 |

## Observation

| field | meaning |
|---|---|
| `board` | 64 cells, `<b>` and all |

## Action

- a move,
  as text
- or `None`

```
e2e4
```

## Configuration

| key | default |
|---|---|
| `rows` | 8 |
"""


def test_the_readme_becomes_blocks_without_facts_and_configuration():
    blocks = list(games._rules(README))
    assert [block.kind for block in blocks] == [
        "text", "heading", "table", "heading", "list", "code",
    ]  # fmt: skip
    assert blocks[0].text == "Two players. See the rules for more."
    assert blocks[2].rows == [["field", "meaning"], ["`board`", "64 cells, `<b>` and all"]]
    assert blocks[4].lines == ("a move, as text", "or `None`")
    assert blocks[5].text == "e2e4"


@pytest.mark.parametrize("name", ["connectx", "tictactoe", "foraging"])
def test_each_game_explains_itself_and_has_a_starter(name):
    game = games.game(name)
    assert game.rules[0].kind == "text"
    assert {"Observation", "Action"} <= {b.text for b in game.rules if b.kind == "heading"}
    assert "def agent" in game.starter
