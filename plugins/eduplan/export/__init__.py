"""What other offices and tools take away: files of the ``bi`` views, each with its metadata.

Every export reads one frozen state of the warehouse (``snapshot``), takes its words from the
database and the contract of the views (``metadata``) and appears whole or not at all (``folder``).
"""
