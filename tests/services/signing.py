"""Signed requests to servers of buckets, for what the vault's own client never asks: to make one, to set its rules.

Sources: Amazon S3 API reference, "Signature Version 4"; Azure Storage REST reference, "Authorize with Shared Key".
"""

import base64
import hashlib
import hmac
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl, quote, urlsplit

REGION = "us-east-1"
AZURE_VERSION = "2021-12-02"
ANSWER_SECONDS = 60


def sent(request: urllib.request.Request) -> tuple[int, bytes]:
    """What a server answers, also where it refuses."""
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


def s3(
    method: str,
    url: str,
    body: bytes = b"",
    *,
    key: str,
    secret: str,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """One signed request to a server that speaks S3."""
    parts, stamp = urlsplit(url), f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    digest = hashlib.sha256(body).hexdigest()
    told = {"host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    told |= headers or {}
    if body:
        told["content-type"] = "application/xml"
        told["content-md5"] = base64.b64encode(hashlib.md5(body).digest()).decode()
    names = sorted(told)
    asked = sorted(parse_qsl(parts.query, keep_blank_values=True))
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in asked)
    lines = [method, parts.path or "/", query, *(f"{name}:{told[name]}" for name in names)]
    canonical = "\n".join([*lines, "", ";".join(names), digest])
    scope = f"{stamp[:8]}/{REGION}/s3/aws4_request"
    proof = hashlib.sha256(canonical.encode()).hexdigest()
    signing = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        signing = hmac.digest(signing, part.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{proof}"
    signature = hmac.digest(signing, text.encode(), "sha256").hex()
    told["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={';'.join(names)}, "
        f"Signature={signature}"
    )
    return sent(urllib.request.Request(url, body or None, told, method=method))


def azure(method: str, url: str, *, account: str, key: str) -> tuple[int, bytes]:
    """One signed request without a body to a server that speaks as Azure Blob Storage does."""
    parts, now = urlsplit(url), datetime.now(UTC)
    told = {"x-ms-date": format_datetime(now, usegmt=True), "x-ms-version": AZURE_VERSION}
    asked = "".join(f"\n{name}:{value}" for name, value in sorted(parse_qsl(parts.query)))
    headers = "".join(f"{name}:{told[name]}\n" for name in sorted(told))
    text = f"{method}{'\n' * 12}{headers}/{account}{parts.path}{asked}"
    signature = hmac.digest(base64.b64decode(key), text.encode(), "sha256")
    told["authorization"] = f"SharedKey {account}:{base64.b64encode(signature).decode()}"
    return sent(urllib.request.Request(url, None, {**told, "content-length": "0"}, method=method))
