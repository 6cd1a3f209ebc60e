"""edu.pseudonym is HMAC-SHA256 under a key of this database alone."""

import hashlib
import hmac

import psycopg
import pytest


def key_of(db: psycopg.Connection) -> bytes:
    row = db.execute("select inner_pad, outer_pad from edu.pseudonym_key").fetchone()
    assert row is not None
    inner, outer = (bytes(part) for part in row)
    key = bytes(byte ^ 0x36 for byte in inner)
    assert key == bytes(byte ^ 0x5C for byte in outer)
    return key


def test_is_the_hmac_of_the_cleaned_value(db: psycopg.Connection) -> None:
    key = key_of(db)
    assert len(key) == 64 and len(key.rstrip(b"\0")) >= 47
    for value in ("T10000001", " T10000001\u3000", "黄"):
        expected = hmac.new(key, value.strip().encode(), hashlib.sha256).hexdigest()
        assert db.execute("select edu.pseudonym(%s)", (value,)).fetchone() == (expected,)
    assert db.execute("select edu.pseudonym(' '), edu.pseudonym(null)").fetchone() == (None, None)


def test_nobody_else_reads_the_key_or_asks_for_pseudonyms(db: psycopg.Connection) -> None:
    db.execute("create role pseudonym_stranger")
    db.execute("grant usage on schema edu to pseudonym_stranger")
    for statement in ("select * from edu.pseudonym_key", "select edu.pseudonym('T1')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), db.transaction():
            db.execute("set local role pseudonym_stranger")
            db.execute(statement.encode())
    db.rollback()
