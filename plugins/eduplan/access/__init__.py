"""Who reads the warehouse: roles and logins as code, applied, shown and checked."""
