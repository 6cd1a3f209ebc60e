"""Groups of commands, one file each; ``eduplan.cli`` puts them together."""
