"""The tables as Django's models."""

import uuid

from django.core.validators import MinValueValidator
from django.db import models


class Author(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=80)
    email = models.CharField(max_length=120)

    class Meta:
        db_table = "author"


class Tag(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=40)

    class Meta:
        db_table = "tag"


class Article(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=500)
    body = models.TextField()
    words = models.BigIntegerField(validators=[MinValueValidator(0)])
    published_at = models.DateTimeField(db_index=True)
    author = models.ForeignKey(Author, models.RESTRICT)
    tags = models.ManyToManyField(Tag, through="ArticleTag")

    class Meta:
        db_table = "article"


class ArticleTag(models.Model):
    pk = models.CompositePrimaryKey("article", "tag")
    article = models.ForeignKey(Article, models.CASCADE)
    tag = models.ForeignKey(Tag, models.CASCADE)

    class Meta:
        db_table = "article_tags"
