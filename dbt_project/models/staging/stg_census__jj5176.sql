{{ census_rows(
    "jj5176",
    ["owned", "exclusive"],
) }}
