import django.db.models.deletion
import unlost.catalog.message_field
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0005_audit_intents'),
    ]

    operations = [
        migrations.CreateModel(
            name='LossMarkRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('snapshot', models.BigIntegerField(default=0)),
                ('error', unlost.catalog.message_field.MessageField(null=True)),
                ('org', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='loss_mark', to='catalog.org')),
            ],
        ),
        migrations.CreateModel(
            name='LossRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('snapshot', models.BigIntegerField()),
                ('table', models.CharField(max_length=200)),
                ('record', models.CharField(max_length=200)),
                ('root_count', models.BigIntegerField()),
                ('more', models.BigIntegerField()),
                ('counts', models.JSONField(default=dict)),
                ('by', models.CharField(default='', max_length=200)),
                ('first', models.DateTimeField(null=True)),
                ('last', models.DateTimeField(null=True)),
                ('after', models.DateTimeField(null=True)),
                ('until', models.DateTimeField()),
                ('bin_until', models.DateTimeField(null=True)),
                ('parent_table', models.CharField(default='', max_length=200)),
                ('parent', models.CharField(default='', max_length=200)),
                ('merged_into', models.CharField(default='', max_length=200)),
                ('roots', models.BinaryField()),
                ('records', models.BinaryField()),
                ('back', models.BigIntegerField(default=0)),
                ('state', models.CharField(max_length=20)),
                ('folded', models.CharField(default='', max_length=20)),
                ('reason', models.TextField(default='')),
                ('decided_by', models.CharField(default='', max_length=150)),
                ('decided_at', models.DateTimeField(null=True)),
                ('org', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='losses', to='catalog.org')),
            ],
            options={
                'indexes': [models.Index(fields=['org', 'state'], name='losses_by_state')],
                'constraints': [models.UniqueConstraint(fields=('org', 'snapshot', 'table', 'record'), name='one_row_per_loss')],
            },
        ),
    ]
