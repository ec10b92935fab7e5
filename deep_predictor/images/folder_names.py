"""A class name becomes one part of a path that every system takes, and that leads nowhere else."""

from __future__ import annotations

import hashlib
import re
import unicodedata

MAX_NAME_BYTES = 100
_UNNAMED = "unnamed"
_HASH_DIGITS = 8
#: What paths, shells or Windows give a meaning to.
_SPECIAL = frozenset('/\\:*?"<>|')
#: Control, invisible, half (surrogate), private and unassigned characters, line and paragraph separators.
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Windows has devices of these names in every folder, with any extension.
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)
_LOOKS_HASHED = re.compile(r".* [0-9a-f]{8}", re.DOTALL)


def safe_folder_name(class_name: str) -> str:
    """`traffic light`, `日本` and `not-confident` stay; a name that has to change gets a hash of what it was.

    So different names never share a folder, and the same name always has the same one. At most 100 bytes of UTF-8.
    """
    safe = _without_dangers(class_name)
    if safe == class_name and not _LOOKS_HASHED.fullmatch(safe) and len(safe.encode()) <= MAX_NAME_BYTES:
        return safe
    if not class_name:
        return _UNNAMED
    digest = hashlib.sha256(class_name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    room = MAX_NAME_BYTES - len(digest) - 1
    shortened = safe.encode()[:room].decode("utf-8", "ignore").rstrip(" .")
    return f"{shortened} {digest}"


def _without_dangers(class_name: str) -> str:
    """May still be too long. Never empty. Of a longer name the beginning: to order many accents takes seconds."""
    composed = unicodedata.normalize("NFC", class_name[: 4 * MAX_NAME_BYTES + 1])
    plain = "".join("_" if _is_dangerous(character) else character for character in composed).strip(" ").rstrip(" .")
    if not plain or plain.startswith(".") or _DEVICE.fullmatch(plain):
        return "_" + plain.lstrip(".")
    return plain


def _is_dangerous(character: str) -> bool:
    if character == " ":
        return False
    return character in _SPECIAL or character.isspace() or unicodedata.category(character) in _UNSEEN_CATEGORIES
