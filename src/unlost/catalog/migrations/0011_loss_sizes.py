from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0010_searched_columns'),
    ]

    operations = [
        migrations.AddField(
            model_name='lossrow',
            name='below',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='lossrow',
            name='open_counts',
            field=models.JSONField(default=dict),
        ),
    ]
