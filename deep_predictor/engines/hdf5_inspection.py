"""Links and datasets of an HDF5 file that reach out of it, or that unpack to far more than the file holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MAX_OBJECTS = 200_000
#: Weights hardly compress; a file may unpack to this many times its size, and to this many bytes in any case.
MAX_EXPANSION = 100
FREE_BYTES = 64 * 1024**2


def hdf5_findings(file: Any, file_bytes: int) -> list[str]:
    """What is refused of an open h5py.File of `file_bytes`; links out of it are never followed."""
    return sorted(set(_walk(file, file_bytes)))


def _walk(file: Any, file_bytes: int) -> Iterator[str]:
    """Each object once: hard links may go round in circles."""
    import h5py

    groups, seen, total = [file["/"]], set(), 0
    while groups:
        group = groups.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                yield _link_finding(link, f"{group.name}/{name}")
                continue
            member = group[name]
            address = h5py.h5o.get_info(member.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(member, h5py.Group):
                groups.append(member)
            elif isinstance(member, h5py.Dataset):
                total += member.nbytes
                yield from _dataset_findings(member)
        if len(seen) > MAX_OBJECTS:
            yield f"the HDF5 file has over {MAX_OBJECTS} objects"
            return
    if total > max(FREE_BYTES, MAX_EXPANSION * file_bytes):
        yield f"the HDF5 file of {file_bytes} bytes would unpack to {total} bytes"


def _link_finding(link: Any, name: str) -> str:
    import h5py

    if isinstance(link, h5py.ExternalLink):
        return f"the HDF5 link {name!r} to the file {link.filename!r}"
    return f"the HDF5 link {name!r}, which is not a plain one"


def _dataset_findings(dataset: Any) -> Iterator[str]:
    if dataset.external or dataset.is_virtual:
        yield f"the HDF5 dataset {dataset.name!r}, whose bytes lie in another file"
