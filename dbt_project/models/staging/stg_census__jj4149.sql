{{ census_rows(
    "jj4149",
    ["staff", "teachers", "admin", "support", "workers", "other", "external", "silver"],
) }}
