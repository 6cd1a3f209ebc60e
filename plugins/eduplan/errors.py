"""The few errors eduplan raises on purpose. A message says what, where and what to do next."""


class EduplanError(Exception):
    """Base of all expected errors.

    ``hint`` is the next step for the reader; the command line prints it under the message.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ContractError(EduplanError):
    """A contract file cannot be used; the message lists every mistake found."""


class SourceError(EduplanError):
    """A source system or folder cannot be reached; ``transient`` when waiting may help."""

    def __init__(self, message: str, *, hint: str = "", transient: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.transient = transient


class LandingError(EduplanError):
    """A delivery or one file of it cannot be landed; ``code`` is the landing rule, e.g. LND-003."""

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class AuditError(EduplanError):
    """A rule could not be evaluated: a fault of the rule or the server, never of the data."""


class BuildError(EduplanError):
    """The warehouse build failed; the message names the model or test and its compiled SQL."""


class PlatformError(EduplanError):
    """A process of the platform (PostgreSQL, Airflow) cannot be started or stopped."""
