"""Which errors Airflow may retry, and what of an error may be logged."""

import contextlib
from collections.abc import Iterator

import psycopg
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from eduplan.errors import EduplanError, SourceError

# Waiting does not create a missing file or grant a permission.
_LASTING = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


def describe(error: BaseException) -> str:
    """Return a message without data values: PostgreSQL's DETAIL and CONTEXT quote the row."""
    if isinstance(error, psycopg.Error):
        return f"{type(error).__name__}: {error.diag.message_primary or 'connection lost'}"
    if isinstance(error, EduplanError) and error.hint:
        return f"{error} | what to do: {error.hint}"
    return f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def transient_errors_only() -> Iterator[None]:
    """Let Airflow retry a lost connection or a network error; fail at once on anything else."""
    try:
        yield
    except AirflowException:
        raise
    except psycopg.OperationalError as error:
        raise AirflowException(describe(error)) from None
    except EduplanError as error:
        if isinstance(error, SourceError) and error.transient:
            raise AirflowException(describe(error)) from error
        raise AirflowFailException(describe(error)) from error
    except psycopg.Error as error:
        raise AirflowFailException(describe(error)) from None
    except OSError as error:
        if isinstance(error, _LASTING):
            raise AirflowFailException(describe(error)) from error
        raise
    except Exception as error:
        raise AirflowFailException(describe(error)) from error
