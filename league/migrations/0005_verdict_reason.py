from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("league", "0004_episode_load_and_limits")]

    operations = [
        migrations.AddField(
            model_name="episodeseat",
            name="verdict_reason",
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AddField(
            model_name="matchseat",
            name="verdict_reason",
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AddField(
            model_name="submission",
            name="verdict_reason",
            field=models.CharField(blank=True, max_length=32),
        ),
    ]
