"""What the submit page and the filters take. Rules and limits are the verbs' business."""

from typing import Any

from django import forms

from league import words
from league.models import Match
from league.submissions import Upload


class SubmitForm(forms.Form):
    """One agent in one of three ways; the chosen way must be filled in."""

    WAYS = (("file", "File or bundle"), ("source", "Source"), ("url", "URL"))

    way = forms.ChoiceField(choices=WAYS, widget=forms.RadioSelect, initial="file")
    file = forms.FileField(
        required=False,
        allow_empty_file=True,
        label="Agent file",
        help_text="A .py file, or a .zip or .tar.gz with main.py at its top.",
        widget=forms.FileInput(attrs={"accept": ".py,.zip,.gz"}),
    )
    source = forms.CharField(
        required=False,
        strip=False,
        label="Source",
        help_text="The last function of the source is the agent.",
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false", "wrap": "off"}),
    )
    url = forms.CharField(
        required=False,
        max_length=500,
        label="Address of the agent's server",
        help_text="It receives a POST with each observation and answers with the action.",
        widget=forms.URLInput(attrs={"placeholder": "https://…"}),
    )
    description = forms.CharField(
        required=False, max_length=200, label="Note", help_text="What is new; shown on its page."
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        way = data.get("way")
        if way == "file" and not data.get("file"):
            self.add_error("file", "Choose a file first.")
        if way == "url" and not data.get("url"):
            self.add_error("url", "Type the address first.")
        return data

    def upload(self) -> Upload:
        """May raise LeagueError: the form of an upload is checked where it is defined."""
        data = self.cleaned_data
        match data["way"]:
            case "file":
                return Upload.from_file(data["file"].name, data["file"].read())
            case "source":
                return Upload.from_source(data["source"])
        return Upload.from_url(data["url"])


class TeamNameForm(forms.Form):
    """Its rules are the business of teams.rename."""

    name = forms.CharField(max_length=60, label="New name")


class ControlForm(forms.Form):
    """An organiser stops something or lets it go on, and says why."""

    action = forms.ChoiceField(choices=[(name, name) for name in words.CONTROLS])
    competition = forms.SlugField(required=False)
    reason = forms.CharField(
        max_length=300, error_messages={"required": "Say why: the reason is kept."}
    )


class LeaderboardFilter(forms.Form):
    q = forms.CharField(
        required=False, max_length=100, label="Find", widget=forms.TextInput({"type": "search"})
    )
    per = forms.ChoiceField(
        required=False,
        label="Show",
        choices=(("", "every submission"), ("team", "each team's best")),
    )


class MatchFilter(forms.Form):
    state = forms.ChoiceField(
        required=False,
        label="State",
        choices=(("", "any state"), *((s.value, words.MATCH_STATE_WORDS[s]) for s in Match.State)),
    )
    purpose = forms.ChoiceField(
        required=False,
        label="Purpose",
        choices=(("", "any"), *((p.value, words.PURPOSE_WORDS[p]) for p in Match.Purpose)),
    )
    q = forms.CharField(
        required=False, max_length=100, label="Find", widget=forms.TextInput({"type": "search"})
    )
    before = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
