"""Words about columns inside a Parquet file: metadata of the fields of an Arrow schema.

polars takes a schema from any object that speaks the Arrow C data interface and keeps what the
fields say of themselves. Only pyarrow could write such a schema; here polars' own is exported and
its fields are pointed to their words (https://arrow.apache.org/docs/format/CDataInterface.html).
"""

import ctypes
import struct
from collections.abc import Mapping, Sequence
from typing import Any


class _ArrowSchema(ctypes.Structure):
    """``struct ArrowSchema`` of the interface."""


_ArrowSchema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_ArrowSchema))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


class DescribedSchema:
    """A polars schema whose fields carry words; as ``arrow_schema`` of a Parquet sink."""

    def __init__(self, schema: Any, words: Sequence[Mapping[str, str]]) -> None:
        """``words`` are one mapping a field of ``schema``, in its order."""
        self._schema = schema
        self._words = [_packed(pairs) for pairs in words]

    def __arrow_c_schema__(self) -> object:
        """Return the capsule of the schema; its words live as long as this object."""
        capsule: object = self._schema.__arrow_c_schema__()
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        address = pointer(capsule, b"arrow_schema")
        top = ctypes.cast(address, ctypes.POINTER(_ArrowSchema)).contents
        for position, words in enumerate(self._words):
            # polars frees what it made itself by private_data, not by this pointer.
            top.children[position].contents.metadata = ctypes.addressof(words)
        return capsule


def _packed(pairs: Mapping[str, str]) -> "ctypes.Array[ctypes.c_char]":
    """Return key-value pairs as the interface packs them: counts and lengths as native int32."""
    parts = [struct.pack("=i", len(pairs))]
    for text in (text for pair in pairs.items() for text in pair):
        data = text.encode()
        parts += [struct.pack("=i", len(data)), data]
    packed = b"".join(parts)
    return ctypes.create_string_buffer(packed, len(packed))
