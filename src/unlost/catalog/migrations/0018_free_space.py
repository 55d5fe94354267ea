import django.db.models.deletion
import unlost.catalog.message_field
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0017_archive_retention'),
    ]

    operations = [
        migrations.CreateModel(
            name='FreedRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('oid', models.CharField(max_length=64)),
                ('run', models.CharField(max_length=80)),
                ('storage', models.CharField(max_length=80)),
                ('bytes', models.BigIntegerField()),
                ('began_at', models.DateTimeField()),
                ('at', models.DateTimeField()),
                ('undone', models.BooleanField(default=False)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('oid', 'run', 'storage'), name='one_freed_per_run')],
            },
        ),
        migrations.CreateModel(
            name='SpaceEstimateRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=20)),
                ('name', models.CharField(default='', max_length=120)),
                ('backup', models.BigIntegerField()),
                ('at', models.DateTimeField()),
                ('policy', models.JSONField(null=True)),
                ('lines', models.JSONField(default=list)),
                ('error', unlost.catalog.message_field.MessageField(null=True)),
                ('whole', models.BooleanField(default=True)),
                ('org', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='space_estimates', to='catalog.org')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('org', 'kind', 'name', 'whole'), name='one_space_estimate')],
            },
        ),
    ]
