import django.db.models.deletion
import unlost.catalog.message_field
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0007_mass_changes'),
    ]

    operations = [
        migrations.CreateModel(
            name='AcceptedGapRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=40)),
                ('table', models.CharField(default='', max_length=200)),
                ('column', models.CharField(default='', max_length=200)),
                ('detail', models.TextField(default='')),
                ('message', unlost.catalog.message_field.MessageField()),
                ('snapshot', models.BigIntegerField()),
                ('reason', models.TextField()),
                ('by', models.CharField(max_length=240)),
                ('at', models.DateTimeField()),
                ('end', models.CharField(default='', max_length=20)),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_by', models.CharField(default='', max_length=240)),
                ('org', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='accepted_gaps', to='catalog.org')),
            ],
            options={
                'indexes': [models.Index(fields=['org', 'end'], name='accepted_gaps_by_end')],
            },
        ),
        migrations.CreateModel(
            name='BackupSummaryRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('snapshot', models.BigIntegerField()),
                ('certificate', models.CharField(max_length=200)),
                ('as_of', models.DateTimeField()),
                ('finished', models.DateTimeField()),
                ('gaps', models.BigIntegerField()),
                ('accepted', models.BigIntegerField()),
                ('records', models.BigIntegerField()),
                ('org', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='backup_summaries', to='catalog.org')),
            ],
            options={
                'indexes': [models.Index(fields=['finished'], name='summaries_by_time')],
                'constraints': [models.UniqueConstraint(fields=('org', 'snapshot'), name='one_summary_per_backup')],
            },
        ),
    ]
