"""eduplan: a city's education data, from source files to the indicators of its plan."""

__version__ = "0.1.0"
