import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0008_accepted_gaps'),
    ]

    operations = [
        migrations.CreateModel(
            name='SavedSearchRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('by', models.CharField(max_length=150)),
                ('name', models.CharField(max_length=120)),
                ('query', models.JSONField(default=dict)),
                ('at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('by', 'name'), name='one_saved_search_per_name')],
            },
        ),
        migrations.CreateModel(
            name='ListColumnsRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('by', models.CharField(max_length=150)),
                ('table', models.CharField(max_length=200)),
                ('columns', models.JSONField(default=list)),
                ('org', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='list_columns', to='catalog.org')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('org', 'by', 'table'), name='one_row_of_list_columns')],
            },
        ),
    ]
