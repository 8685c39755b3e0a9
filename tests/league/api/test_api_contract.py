"""The OpenAPI document lists the calls that are promised, and the answers are as it says."""

import re

import jsonschema
import pytest
from django.conf import settings
from django.urls import reverse

from tests.factories import make_entrant
from tests.kaggle_bridge.rows import add_checkpoint, add_metrics, add_session, make_run
from tests.league.api.calls import API, Caller

pytestmark = pytest.mark.django_db

PROMISED = {
    "GET /competitions",
    "GET /competitions/{slug}",
    "POST /competitions/{slug}/submissions",
    "GET /competitions/{slug}/leaderboard",
    "GET /competitions/{slug}/matches",
    "GET /submissions/{id}",
    "GET /submissions/{id}/logs",
    "GET /submissions/{id}/ratings",
    "GET /submissions/{id}/matchups",
    "POST /submissions/{id}/retire",
    "GET /matches/{id}",
    "GET /episodes/{id}",
    "GET /episodes/{id}/replay",
    "GET /signing-key",
    "GET /status",
    "GET /training/runs",
    "POST /training/runs",
    "GET /training/runs/{id}",
    "POST /training/runs/{id}/cancel",
    "POST /training/runs/{id}/retry",
}
FIELDS = {
    "SubmissionOut": "id status kind sha256 verdict advice created rating rating_low rating_high "
    "rank matches wins draws losses verdict_message stages",
    "CompetitionOut": "environment configuration rules phase limits",
    "LeaderboardRow": "rank rank_low rank_high team submission rating rating_low rating_high "
    "provisional matches wins draws losses crash_share qualifying_rank",
    "LeaderboardPage": "items count stage locked_at field_hash fitted_at log_position data_hash "
    "rules_version seat_advantage seat_advantage_low seat_advantage_high",
    "MatchOut": "state attempts episodes seats",
    "MatchSeatOut": "submission status verdict reward rating_change",
    "RunOut": "id state backend preset config sessions step total_steps metrics checkpoints error",
    "SessionOut": "number state started ended",
    "CheckpointOut": "step sha256 submission",
    "ErrorOut": "error code",
}


@pytest.fixture
def document(anyone):
    response = anyone.get("/openapi.json")
    assert response.status_code == 200
    return response.json()


def test_document_lists_exactly_what_is_promised(document):
    listed = {
        f"{method.upper()} {path.removeprefix(API)}"
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert listed == PROMISED


def test_document_is_openapi(document):
    assert document["openapi"].startswith("3.1")
    ids = [op["operationId"] for ops in document["paths"].values() for op in ops.values()]
    assert len(set(ids)) == len(ids)
    for shape in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(shape)


@pytest.mark.parametrize("name", FIELDS)
def test_promised_fields_are_there(document, name):
    assert set(FIELDS[name].split()) <= set(document["components"]["schemas"][name]["properties"])


def test_submission_is_documented_in_its_three_forms(document):
    post = document["paths"][f"{API}/competitions/{{slug}}/submissions"]["post"]
    content = post["requestBody"]["content"]
    assert "file" in content["multipart/form-data"]["schema"]["properties"]
    forms = content["application/json"]["schema"]["oneOf"]
    assert [sorted(form["required"]) for form in forms] == [["source"], ["url"]]
    assert "Idempotency-Key" in [parameter["name"] for parameter in post["parameters"]]


def test_reading_is_open_and_posting_takes_a_token(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert ({} in operation["security"]) == (method == "get"), path


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/competitions", "/competitions"),
        ("/competitions/connectx", "/competitions/{slug}"),
        ("/competitions/connectx/leaderboard", "/competitions/{slug}/leaderboard"),
        ("/competitions/connectx/matches", "/competitions/{slug}/matches"),
        ("/matches/{match}", "/matches/{id}"),
        ("/episodes/{episode}", "/episodes/{id}"),
        ("/episodes/{episode}/replay", "/episodes/{id}/replay"),
        ("/submissions/{submission}", "/submissions/{id}"),
        ("/submissions/{submission}/logs", "/submissions/{id}/logs"),
        ("/submissions/{submission}/logs?episode={episode}", "/submissions/{id}/logs"),
        ("/competitions/connectx?x=1", "/competitions/{slug}"),
        ("/submissions/0", "/submissions/{id}"),
        ("/competitions/connectx/matches?state=lost", "/competitions/{slug}/matches"),
        ("/training/runs", "/training/runs"),
        ("/training/runs?state=lost", "/training/runs"),
        ("/training/runs/{run}", "/training/runs/{id}"),
        ("/training/runs/0", "/training/runs/{id}"),
    ],
)
def test_answers_are_as_documented(document, alice, episode, path, template):
    make_entrant(episode.match.competition, alice.user, rank=1)
    submission = episode.seats.get(number=0).submission_id
    run = make_run()
    add_session(run)
    add_checkpoint(run, 1000)
    add_metrics(run, {1000: {"loss": 0.5}})
    ids = {"match": episode.match_id, "episode": episode.pk, "submission": submission}
    ids["run"] = run.pk
    response = alice.get(path.format(**ids))
    validate(document, document["paths"][API + template]["get"], response)


def test_answers_to_a_post_are_as_documented(document, alice, anyone, connectx):
    path = "/competitions/connectx/submissions"
    operation = document["paths"][f"{API}/competitions/{{slug}}/submissions"]["post"]
    bodies = ({"source": "x = 1"}, {"source": "x = 1"}, {"source": 5}, [])
    answers = [alice.post(path, body) for body in bodies]
    answers += [anyone.post(path, {}), Caller("bob", scope="read").post(path, {})]
    assert [answer.status_code for answer in answers] == [201, 200, 400, 400, 401, 403]
    for answer in answers:
        validate(document, operation, answer)


def test_answers_to_a_post_of_training_are_as_documented(document, anyone, alice):
    operation = document["paths"][f"{API}/training/runs"]["post"]
    carol = Caller("carol", "staff", is_staff=True, is_superuser=True)
    asked = ((carol, {"preset": "tictactoe"}), (carol, {}), (anyone, {}), (alice, {}))
    answers = [caller.post("/training/runs", body) for caller, body in asked]
    assert [answer.status_code for answer in answers] == [201, 400, 401, 403]
    for answer in answers:
        validate(document, operation, answer)


def validate(document, operation, response) -> None:
    documented = operation["responses"][str(response.status_code)]["content"]
    schema = documented["application/json"]["schema"] | {"components": document["components"]}
    jsonschema.validate(response.json(), schema)


def test_documentation_is_readable_without_scripts_of_its_own(anyone):
    response = anyone.get("/docs")
    page = response.content.decode()
    assert response.status_code == 200
    assert reverse("api:openapi-view") == f"{API}/docs"
    for call in PROMISED:
        method, _, path = call.partition(" ")
        assert f"{method} {API}{path}" in page
    assert "Idempotency-Key" in page
    assert "<script>" not in page
    assert "style=" not in page


def test_documentation_leads_nowhere_else_and_never_astray(anyone):
    page = anyone.get("/docs").content.decode()
    addresses = set(re.findall(r'(?:src|href|action)="([^"]*)"', page))
    assert all(address.startswith(("/", "#")) for address in addresses)
    places = {"#" + name for name in re.findall(r' id="([^"]*)"', page)}
    assert {address for address in addresses if address.startswith("#")} <= places
    assert "#shape-SubmissionOut" in addresses


def test_guide_names_every_call():
    guide = (settings.BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")
    for call in PROMISED:
        path = call.partition(" ")[2].replace("{slug}", "connectx").replace("{id}", "12")
        assert call in guide or f"$LEAGUE{path}" in guide, call
