import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("league", "0002_ladder_is_rebuild_due")]

    operations = [
        migrations.AddField(
            model_name="competition",
            name="clock",
            field=models.CharField(
                choices=[("charged", "the agent's own time"), ("wall", "wall time")],
                default="charged",
                help_text="Of uploaded agents. Their own time: an agent pays for its own processor time, not for the machine's load. Wall time: every second counts, as on Kaggle, also those in which the machine was busy with something else.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="competition",
            name="packages",
            field=models.CharField(
                default="numpy",
                help_text="What agents may import besides the standard library. A set is installed when its first match is played; it may ask for more memory and start-up time than stand here.",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="competition",
            name="pondering",
            field=models.BooleanField(
                default=False,
                help_text="May an agent go on thinking during its opponent's turn? If not, it is stopped between its moves.",
            ),
        ),
        migrations.AlterField(
            model_name="competition",
            name="allow_urls",
            field=models.BooleanField(
                default=True,
                help_text="May an entrant name the address of a server instead of uploading code? Only addresses on the public Internet, unless URL_AGENT_ALLOW_PRIVATE names more.",
                verbose_name="URL agents",
            ),
        ),
        migrations.AlterField(
            model_name="competition",
            name="memory_mb",
            field=models.PositiveIntegerField(
                default=1024,
                help_text="Of each agent. Python with NumPy needs 145 of it.",
                validators=[django.core.validators.MinValueValidator(256)],
                verbose_name="memory limit (MB)",
            ),
        ),
        migrations.AlterField(
            model_name="competition",
            name="startup_s",
            field=models.FloatField(
                default=10.0,
                help_text="What an agent may take to be imported, before its first move; more is taken from its bank.",
                validators=[
                    django.core.validators.MinValueValidator(0.5),
                    django.core.validators.MaxValueValidator(300),
                ],
                verbose_name="start-up limit (s)",
            ),
        ),
    ]
