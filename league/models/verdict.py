"""What a submission, a match seat and an episode seat keep of a failure."""

from django.db import models

from evaluation.verdict import advice


class Judged(models.Model):
    """A verdict, empty where nothing failed; `verdict_reason` tells kinds of one code apart."""

    verdict = models.CharField(max_length=32, blank=True)
    verdict_reason = models.CharField(max_length=32, blank=True)
    verdict_message = models.CharField(max_length=500, blank=True)

    class Meta:
        abstract = True

    def judge(self, code: str, reason: str, message: str) -> None:
        self.verdict, self.verdict_reason, self.verdict_message = code, reason, message

    @property
    def advice(self) -> str:
        """One sentence; empty also for a code that this release does not know."""
        return advice(self.verdict, self.verdict_reason)
