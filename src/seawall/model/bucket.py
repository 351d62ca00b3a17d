"""Buckets of S3.  What is in them is in `store.objects`."""

from datetime import datetime

from seawall.model.resource import Resource, Tags, kind


@kind("bucket")
class Bucket(Resource, frozen=True, kw_only=True):
    """`id` is the name."""

    created_at: datetime
    policy: str | None = None  # JSON text
    tags: Tags = {}
