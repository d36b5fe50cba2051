"""Object storage: a bucket made beforehand, for logs or for backups."""

from __future__ import annotations

from common.settings.credentials import UnquotedKey
from common.settings.names import Domain, Label
from common.settings.section import Section


class ObjectStorage(Section):
    """Bucket in an object storage, made beforehand; logs want one in a region near the board."""

    endpoint: Domain
    """Host name of the object storage's endpoint, such as s3.fr-par.scw.cloud."""
    region: Label
    """Region of the bucket."""
    bucket: Label
    """Name of the bucket."""
    access_key: UnquotedKey
    """Access key, the public half of a key that may read and write in the bucket, and nothing else."""
    secret_key: UnquotedKey
    """Secret half of the access key."""
