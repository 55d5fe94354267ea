import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0007_mass_changes'),
    ]

    operations = [
        migrations.CreateModel(
            name='SearchedColumnRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('table', models.CharField(max_length=200)),
                ('column', models.CharField(max_length=200)),
                ('org', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='searched_columns', to='catalog.org')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('org', 'table', 'column'), name='one_row_per_searched_column')],
            },
        ),
    ]
