import django.db.models.deletion
from django.db import migrations, models

import unlost.catalog.message_field


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0013_watches'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='bypass',
            field=models.CharField(default='', max_length=250),
        ),
        migrations.AddField(
            model_name='run',
            name='bypass_error',
            field=unlost.catalog.message_field.MessageField(null=True),
        ),
        migrations.CreateModel(
            name='BypassRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=40)),
                ('name', models.CharField(max_length=200)),
                ('org', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='bypass', to='catalog.org')),
            ],
        ),
    ]
