"""Forms of keys and tokens that their makers gave a mark: found, and kept out of what is printed.

The marks are those that the makers document or that secret scanners (gitleaks, GitHub) know.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache, lru_cache
from itertools import pairwise

FAMILIES = {
    "an API key of Google": r"\bAIza[0-9A-Za-z_-]{35}",
    "an access token of Google": r"\bya29\.[0-9A-Za-z_-]{20,}",
    "a client secret of Google": r"\bGOCSPX-[0-9A-Za-z_-]{28}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY",
    "a key of age": r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b",
    "an access key of AWS": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "an account key of Azure": r"\bAccountKey=[0-9A-Za-z+/]{40,}={0,2}",
    "a signed address of Azure": r"[?&]sig=[0-9A-Za-z%+/]{40,}",
    "a token of DigitalOcean": r"\bdo[por]_v1_[0-9a-f]{64}\b",
    "a token of GitHub": r"\bgh[opsur]_[0-9A-Za-z]{36,}|\bgithub_pat_[0-9A-Za-z_]{22,}",
    "a token of GitLab": r"\bgl(?:pat|dt|rt|cbt|ptt|soat)-[0-9A-Za-z_-]{20,}",
    "a token of Bitbucket or Jira": r"\bATATT3[0-9A-Za-z_=-]{40,}|\bATBB[0-9A-Za-z]{28,}",
    "a token of npm": r"\bnpm_[0-9A-Za-z]{36}\b",
    "a token of PyPI": r"\bpypi-AgE[0-9A-Za-z_-]{50,}",
    "a key of RubyGems": r"\brubygems_[0-9a-f]{48}\b",
    "a token of Docker Hub": r"\bdckr_(?:pat|oat)_[0-9A-Za-z_-]{24,}",
    "a token of Hugging Face": r"\bhf_[0-9A-Za-z]{30,}",
    "a key of a model provider": r"\bsk-[0-9A-Za-z_-]{20,}|\bgsk_[0-9A-Za-z]{40,}|\br8_[0-9A-Za-z]{37}\b"
    r"|\bpplx-[0-9A-Za-z]{40,}|\bxai-[0-9A-Za-z]{60,}|\bnvapi-[0-9A-Za-z_-]{60,}",
    "a key of Weights & Biases": r"\bwandb_v1_[0-9A-Za-z_]{40,}",
    "a token of Databricks": r"\bdapi[0-9a-f]{32}\b",
    "a token of Slack": r"\bxox[abeprs]-[0-9A-Za-z-]{10,}|\bxapp-\d-[0-9A-Z]+-\d+-[0-9a-f]+"
    r"|hooks\.slack\.com/services/T\w+/B\w+(?:/\w+)?/\w+",
    "an address of Discord that anybody can post to": r"discord(?:app)?\.com/api/webhooks/\d+/[\w-]{40,}",
    "an address of Teams that anybody can post to": r"\.webhook\.office\.com/webhookb2/[0-9a-f-]{36}@",
    "a token of Telegram": r"\b\d{8,10}:AA[0-9A-Za-z_-]{33}\b",
    "a key of SendGrid": r"\bSG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}",
    "a key of Mailgun": r"\bkey-[0-9a-f]{32}\b",
    "a key of Twilio": r"\bSK[0-9a-f]{32}\b",
    "a key of Stripe": r"\b[rs]k_(?:live|test)_[0-9A-Za-z]{20,}",
    "a token of Shopify": r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b",
    "a token of Square": r"\bsq0(?:atp|csp)-[0-9A-Za-z_-]{22,}",
    "a token of Vault": r"\bhv[sbr]\.[0-9A-Za-z_-]{24,}",
    "a token of Terraform Cloud": r"\b[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_-]{60,}",
    "a token of Pulumi": r"\bpul-[0-9a-f]{40}\b",
    "a token of Doppler": r"\bdp\.(?:pt|st|ct|sa)\.[0-9A-Za-z._-]{40,}",
    "a token of Grafana": r"\bglsa_[0-9A-Za-z]{32}_[0-9a-f]{8}\b|\bglc_[0-9A-Za-z+/=]{32,}",
    "a key of New Relic": r"\bNRAK-[0-9A-Z]{27}\b",
    "a token of Sentry": r"\bsntry[su]_[0-9A-Za-z+/=_]{60,}",
    "a key of Linear": r"\blin_api_[0-9A-Za-z]{40}\b",
    "a token of Notion": r"\bntn_[0-9A-Za-z]{40,}|\bsecret_[0-9A-Za-z]{43}\b",
    "a key of Postman": r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b",
    "a token of PlanetScale": r"\bpscale_(?:tkn|pw|oauth)_[0-9A-Za-z_.-]{32,}",
    "a token of Supabase": r"\bsbp_[0-9a-f]{40}\b",
    "a JSON web token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "a password in an address": r"://[^/\s:@]+:[^/\s:@{}$]{3,}@",
    "a header that logs in": r"(?i:\bauthorization\W{1,4}(?:bearer|basic|token)\s+)[0-9A-Za-z+/_.=-]{16,}",
}

_NAMES = re.compile(
    r"(?:^|_)(?:password|passwd|passphrase|secret|token|api_?key|private_key|access_key"
    r"|secret_key|credentials?)$"
)
_OPAQUE = re.compile(r"[0-9A-Za-z+=_-]{24,}")
_BITS = 4.0
"""Shannon entropy per character; words and names stay below, random base64 lies above."""
_CLASS_CHANGES = 0.4
"""Share of neighbours of different classes (upper, lower, digit); about 0.6 in random text."""


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Compile at first use: most commands print nothing of a user's."""
    return tuple((kind, re.compile(pattern)) for kind, pattern in FAMILIES.items())


@lru_cache(maxsize=4096)
def secret_kind(text: str) -> str | None:
    """Say what secret a text holds, None for none of a known shape."""
    return next((kind for kind, pattern in _patterns() if pattern.search(text)), None)


def masked(text: str) -> str:
    """Return the text with `*` in the place of every secret of a known shape, of the same length."""
    for _, pattern in _patterns():
        text = pattern.sub(lambda found: "*" * len(found[0]), text)
    return text


@lru_cache(maxsize=4096)
def speaks_of_secret(name: str) -> bool:
    """Whether what has this name is a secret."""
    # `dbPassword`, `db-password` and `DB_PASSWORD` mean the same
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    return bool(_NAMES.search(words))


@lru_cache(maxsize=4096)
def is_random(text: str) -> bool:
    """Whether a text is one long word that nobody would make up."""
    if not _OPAQUE.fullmatch(text):
        return False
    counts = Counter(text).values()
    bits = -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
    changes = sum(_class(one) != _class(other) for one, other in pairwise(text))
    return bits >= _BITS and changes >= _CLASS_CHANGES * len(text)


def _class(character: str) -> str:
    return "0" if character.isdigit() else "A" if character.isupper() else "a"
