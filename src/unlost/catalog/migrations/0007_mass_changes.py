import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0006_losses'),
    ]

    operations = [
        migrations.CreateModel(
            name='HomeSettingRow',
            fields=[
                ('name', models.CharField(max_length=80, primary_key=True, serialize=False)),
                ('value', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='SilenceRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=20)),
                ('table', models.CharField(default='', max_length=120)),
                ('column', models.CharField(default='', max_length=120)),
                ('change', models.CharField(default='', max_length=20)),
                ('user', models.CharField(default='', max_length=120)),
                ('most', models.BigIntegerField(default=0)),
                ('snapshot', models.BigIntegerField(null=True)),
                ('since', models.DateTimeField(null=True)),
                ('until', models.DateTimeField(null=True)),
                ('reason', models.TextField(default='')),
                ('by', models.CharField(default='', max_length=240)),
                ('org', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='silences', to='catalog.org')),
            ],
        ),
        migrations.CreateModel(
            name='MassBackupRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('snapshot', models.BigIntegerField()),
                ('before', models.BigIntegerField()),
                ('as_of', models.DateTimeField()),
                ('since', models.DateTimeField()),
                ('changes', models.JSONField(default=list)),
                ('org', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mass_backups', to='catalog.org')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('org', 'snapshot'), name='one_row_per_mass_backup')],
            },
        ),
        migrations.CreateModel(
            name='MassLimitsRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('table', models.CharField(default='', max_length=120)),
                ('values', models.JSONField(default=dict)),
                ('org', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mass_limits', to='catalog.org')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('org', 'table'), name='one_row_of_limits_per_table')],
            },
        ),
    ]
