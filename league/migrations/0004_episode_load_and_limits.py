from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("league", "0003_competition_clock_and_packages")]

    operations = [
        migrations.AddField(
            model_name="episode",
            name="is_overloaded",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="episode",
            name="level",
            field=models.CharField(blank=True, max_length=4),
        ),
        migrations.AddField(
            model_name="episode",
            name="limits",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="episodeseat",
            name="cpu_s",
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name="episodeseat",
            name="delay_s",
            field=models.FloatField(null=True),
        ),
    ]
