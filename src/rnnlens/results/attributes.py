"""Attributes of results: plain values, and sentences with what they are made of beside them.

An attribute ``why`` holds a sentence in English, for people and files. Where it was told by a
template (`rnnlens.names.told`), ``why_told`` holds the template and what stands in its places, as
JSON, so that a view says it in any language, also of a result that was saved and opened again.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.names import Told, retold

__all__ = [
    "attributes",
    "beside",
    "file_safe",
    "is_beside",
    "told_each",
    "told_in",
    "told_of",
    "told_values",
]

#: What the name of an attribute ends in that holds what a sentence is made of.
TOLD = "_told"
#: The attribute of an array of sentences that holds what each of them is made of.
VALUES = f"values{TOLD}"
#: To JSON, by one encoder: `json.dumps` makes one at each call that has options.
_encode = json.JSONEncoder(ensure_ascii=False).encode


def attributes(facts: Mapping[str, object]) -> dict[str, str | int | float]:
    """Give facts in a form that files hold, each sentence with what it is made of.

    Examples
    --------
    >>> from rnnlens.names import told
    >>> attributes({"why": told("{count} windows", count=3)})
    {'why': '3 windows', 'why_told': '["{count} windows", {"count": 3}]'}
    """
    made: dict[str, str | int | float] = {}
    for name, value in facts.items():
        made[name] = file_safe(value)
        if isinstance(value, Told) and value:
            made[beside(name)] = _encode(_parts(value))
        elif isinstance(value, Mapping) and any(isinstance(one, Told) for one in value.values()):
            each = {str(key): _packed(one) for key, one in value.items()}
            made[beside(name)] = _encode(each)
    return made


def beside(name: str) -> str:
    """Name the attribute that says what another one is made of."""
    return f"{name}{TOLD}"


def is_beside(name: Hashable) -> bool:
    """Say whether an attribute only says what another one is made of."""
    return str(name).endswith(TOLD)


def told_of(attrs: Mapping[Any, object], name: str) -> object:
    """Give an attribute as it was told; as it stands where it is no sentence that was.

    Examples
    --------
    >>> from rnnlens.names import told
    >>> told_of(attributes({"why": told("{count} windows", count=3)}), "why").values
    {'count': 3}
    >>> told_of({"why": "changed by hand", "why_told": '["as it was", {}]'}, "why")
    'changed by hand'
    """
    value, known = attrs.get(name), attrs.get(beside(name))
    if isinstance(value, Told) or not isinstance(value, str) or not known:
        return value
    fact = _retold(json.loads(str(known)))
    return fact if fact == value else value


def told_each(attrs: Mapping[Any, object], name: str) -> dict[str, object]:
    """Give what an attribute holds by name, each as it was told.

    Examples
    --------
    >>> from rnnlens.names import told
    >>> told_each(attributes({"not_given": {"cut": told("no window")}}), "not_given")
    {'cut': 'no window'}
    """
    plain = json.loads(str(attrs.get(name) or "{}"))
    known = json.loads(str(attrs.get(beside(name)) or "{}"))
    facts = {key: _unpacked(one) for key, one in known.items()}
    return {key: facts[key] if facts.get(key) == one else one for key, one in plain.items()}


def told_values(sentences: NDArray[np.object_]) -> tuple[NDArray[np.str_], dict[str, str]]:
    """Give an array of sentences as plain text, and the attribute that tells of them."""
    kinds = {str(one): _parts(one) for one in sentences.ravel()
             if isinstance(one, Told) and one}  # fmt: skip
    plain = np.array([str(one) for one in sentences.ravel()], dtype=np.str_)
    known = {VALUES: _encode(kinds)} if kinds else {}
    return plain.reshape(sentences.shape), known


def told_in(attrs: Mapping[Any, object], sentence: str) -> str:
    """Give one sentence of an array as it was told, by the attributes of the array."""
    known = json.loads(str(attrs.get(VALUES) or "{}")).get(sentence)
    return sentence if known is None else _retold(known)


def file_safe(value: object) -> str | int | float:
    """Give a value in a form that netCDF, JSON and CSV all hold.

    Examples
    --------
    >>> file_safe(True), file_safe(None), file_safe(["hour_sin", "hour_cos"])
    (1, '', 'hour_sin, hour_cos')
    """
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, str):
        return str(value)  # what a sentence is made of goes into an attribute of its own
    if isinstance(value, int | float):
        return int(value) if isinstance(value, bool) else value
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, Mapping | list | tuple):
        return _encode(_jsonable(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return "" if value is None else str(value)


def _jsonable(value: object) -> object:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    return file_safe(value)


def _parts(fact: Told) -> list[object]:
    """Give what a fact is made of, as JSON holds it."""
    values = {name: _packed(value) for name, value in fact.values.items()}
    return [fact.template, values, *([fact.several] if fact.several else [])]


def _packed(value: object) -> object:
    """Give what stands in a place: a number, a text, a list, or a fact, or several clauses."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Told):
        return {"told": _parts(value)}
    if isinstance(value, tuple):
        return {"clauses": [_packed(one) for one in value]}
    if isinstance(value, list):
        return [_packed(one) for one in value]
    return value if isinstance(value, int | float) else str(value)


def _unpacked(value: Any) -> object:
    if isinstance(value, list):
        return [_unpacked(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "clauses" in value:
        return tuple(_unpacked(one) for one in value["clauses"])
    return _retold(value["told"])


def _retold(parts: Any) -> Told:
    template, values, *several = parts
    return retold(template, {name: _unpacked(value) for name, value in values.items()}, *several)
