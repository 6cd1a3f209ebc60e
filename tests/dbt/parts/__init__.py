"""Parts of the mini city, one module a subject: COLUMNS and ``sheets()`` like `mini_city`."""
