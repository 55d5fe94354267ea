import django.db.models.deletion
from django.db import migrations, models

import unlost.catalog.message_field


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0014_bypasses'),
    ]

    operations = [
        migrations.CreateModel(
            name='ArchivePolicyRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('policy', models.JSONField()),
                ('by', models.CharField(max_length=240)),
                ('account', models.CharField(default='', max_length=150)),
                ('at', models.DateTimeField()),
                ('days', models.CharField(default='', max_length=40)),
                ('is_on', models.BooleanField(default=False)),
                ('on_since', models.DateTimeField(null=True)),
                ('daily_limit', models.IntegerField()),
                ('previewed_at', models.DateTimeField(null=True)),
                ('large', models.BooleanField(default=False)),
                ('problem', unlost.catalog.message_field.MessageField(null=True)),
                ('org', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='archive_policies', to='catalog.org')),
            ],
        ),
        migrations.CreateModel(
            name='ArchiveNightRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('night', models.CharField(max_length=16)),
                ('state', models.CharField(max_length=20)),
                ('begun_at', models.DateTimeField()),
                ('plan', models.CharField(default='', max_length=80)),
                ('run', models.CharField(default='', max_length=80)),
                ('tries', models.IntegerField(default=0)),
                ('next_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('error', unlost.catalog.message_field.MessageField(null=True)),
                ('policy', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='nights', to='catalog.archivepolicyrow')),
            ],
        ),
        migrations.AddConstraint(
            model_name='archivepolicyrow',
            constraint=models.UniqueConstraint(fields=('org', 'name'), name='one_archive_policy_per_name'),
        ),
        migrations.AddIndex(
            model_name='archivenightrow',
            index=models.Index(fields=['state'], name='archive_nights_by_state'),
        ),
        migrations.AddConstraint(
            model_name='archivenightrow',
            constraint=models.UniqueConstraint(fields=('policy', 'night'), name='one_row_per_archive_night'),
        ),
    ]
