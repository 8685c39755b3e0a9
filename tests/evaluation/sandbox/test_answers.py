"""What an agent answers over an episode is bounded: its replay keeps every action."""

from evaluation.match import AgentSpec, EpisodeSpec, play_episode

TALKER = "def agent(observation):\n    return '\u6f22' * 15_000\n"  # 45 KB an answer
QUIET = "def agent(observation):\n    return 1\n"


def test_who_answers_over_a_mebibyte_in_an_episode_loses_it(tmp_path):
    files = []
    for name, source in (("talker", TALKER), ("quiet", QUIET)):
        (tmp_path / name).mkdir()
        files.append(tmp_path / name / "main.py")
        files[-1].write_text(source)
    played = play_episode(
        EpisodeSpec(
            environment="identity",
            configuration={"episodeSteps": 60},
            agents=[AgentSpec(source=str(file), kind="path") for file in files],
            seed=1,
        )
    )
    talker, quiet = played.verdicts
    assert (talker["code"], quiet) == ("output_limit", None)
    assert played.scores == [0.0, 1.0]
