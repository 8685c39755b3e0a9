from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("league", "0008_lookups")]

    operations = [
        migrations.AddField(
            model_name="team", name="is_system", field=models.BooleanField(default=False)
        ),
    ]
