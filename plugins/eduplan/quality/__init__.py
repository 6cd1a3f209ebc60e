"""The quality of what was delivered: why batches are held, what stands in quarantine."""
