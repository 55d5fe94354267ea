import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0011_loss_sizes'),
    ]

    operations = [
        migrations.AddField(
            model_name='planrow',
            name='approved_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='planrow',
            name='approved_by',
            field=models.CharField(default='', max_length=240),
        ),
        migrations.AddField(
            model_name='planrow',
            name='approver',
            field=models.CharField(default='', max_length=150),
        ),
        migrations.AddField(
            model_name='planrow',
            name='digest',
            field=models.CharField(db_index=True, default='', max_length=64),
        ),
        migrations.AddField(
            model_name='planrow',
            name='maker',
            field=models.CharField(default='', max_length=150),
        ),
        migrations.CreateModel(
            name='ApprovalPolicyRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('records', models.BigIntegerField(null=True)),
                ('production', models.BooleanField(default=False)),
                ('deletes', models.BooleanField(default=False)),
                ('org', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='approval_policy', to='catalog.org')),
            ],
        ),
    ]
