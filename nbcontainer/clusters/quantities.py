"""Kubernetes' quantities, such as "100m" and "1.5Gi", as numbers. Pure."""

from __future__ import annotations

import re

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([KMGTPE]i|[eE][+-]?\d+|[numkMGTPE])?")
_SCALES = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_SCALES |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}


def quantity(text: str) -> float:
    """The number that a quantity is: 0.1 for "100m", 1610612736.0 for "1.5Gi"; 0.0 if it is not a quantity.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    found = _QUANTITY.fullmatch(text.strip())
    if not found:
        return 0.0
    suffix = found[2] or ""
    return float(found[1]) * _SCALES[suffix] if suffix in _SCALES else float(found[1] + suffix)
