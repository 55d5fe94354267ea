from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0003_own_checkpoints'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='asked_by',
            field=models.CharField(default='', max_length=240),
        ),
    ]
