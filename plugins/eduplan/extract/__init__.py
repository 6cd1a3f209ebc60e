"""Sources become streams of text rows with provenance: discovery, sniffing, CSV, workbooks."""
