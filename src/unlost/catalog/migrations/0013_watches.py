
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0012_approvals'),
    ]

    operations = [
        migrations.CreateModel(
            name='WatchRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('by', models.CharField(max_length=150)),
                ('at', models.DateTimeField()),
                ('records', models.JSONField(default=list)),
                ('query', models.TextField(default='')),
                ('deletions', models.BooleanField(default=False)),
                ('columns', models.JSONField(default=list)),
                ('evaluated', models.PositiveBigIntegerField(default=0)),
                ('hits', models.JSONField(default=list)),
                ('org', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='watches', to='catalog.org')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('org', 'name'), name='one_watch_per_name')],
            },
        ),
    ]
