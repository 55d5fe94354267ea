from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0004_run_asked_by'),
    ]

    operations = [
        migrations.AddField(
            model_name='auditrow',
            name='intent',
            field=models.BigIntegerField(default=None, null=True),
        ),
        migrations.AddIndex(
            model_name='auditrow',
            index=models.Index(fields=['intent'], name='audit_by_intent'),
        ),
    ]
