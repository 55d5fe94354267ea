import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0016_archive_claims'),
    ]

    operations = [
        migrations.CreateModel(
            name='ArchivePeriodRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('oid', models.CharField(max_length=64)),
                ('run', models.CharField(max_length=80)),
                ('policy', models.CharField(max_length=120)),
                ('keep_days', models.IntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('oid', 'run'), name='one_period_per_archive')],
            },
        ),
        migrations.CreateModel(
            name='RemovalRequestRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('digest', models.CharField(max_length=64)),
                ('records', models.IntegerField()),
                ('made_at', models.DateTimeField()),
                ('made_by', models.CharField(max_length=240)),
                ('maker', models.CharField(default='', max_length=150)),
                ('approved_at', models.DateTimeField(null=True)),
                ('approved_by', models.CharField(default='', max_length=240)),
                ('approver', models.CharField(default='', max_length=150)),
                ('org', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='removal_request', to='catalog.org')),
            ],
        ),
    ]
