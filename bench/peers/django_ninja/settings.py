"""Django's settings: what an API needs, connections kept in a pool, no debug."""

import os
from pathlib import Path
from urllib.parse import urlsplit

address = urlsplit(os.environ["BENCH_DATABASE"])
SIZE = int(os.environ.get("BENCH_POOL", "10"))

SECRET_KEY = "only for the bench"  # noqa: S105
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "bench.peers.django_ninja.urls"
INSTALLED_APPS = ["bench.peers.django_ninja"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
USE_TZ = True
TIME_ZONE = "UTC"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": address.hostname,
        "PORT": address.port,
        "USER": address.username,
        "PASSWORD": address.password,
        "NAME": address.path[1:],
        "OPTIONS": {"pool": {"min_size": SIZE, "max_size": SIZE}},
    }
}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parents[1] / "templates"],
    }
]
